-- Puts the fresh items of some users in their places.
INSERT INTO placed_items (user, seq, notification)
SELECT i.user, i.placed + 1 + fresh.key, fresh.value
FROM json_each(?1) AS users
CROSS JOIN inboxes AS i ON i.user = users.value
CROSS JOIN json_each('[' || substr(i.fresh, 2) || ']') AS fresh;

UPDATE inboxes SET placed = head, fresh = ''
WHERE user IN (SELECT value FROM json_each(?1)) AND placed < head;
