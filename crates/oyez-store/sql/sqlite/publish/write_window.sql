-- Users after ?2 and up to ?3 of the audience ?4 get notification ?1; of those, every ?5th has its fresh items placed.
INSERT INTO landings (notification, user, seq)
SELECT ?1, to_all.user, coalesce(i.head, 0) + 1
FROM (
    SELECT r.user FROM json_each(?4) AS a
    CROSS JOIN user_roles AS r
        ON a.value ->> 0 = 'role' AND r.role = a.value ->> 1 AND r.user > ?2 AND r.user <= ?3
    UNION
    SELECT m.user FROM json_each(?4) AS a
    CROSS JOIN members AS m
        ON a.value ->> 0 = 'topic' AND m.topic = a.value ->> 1 AND m.user > ?2 AND m.user <= ?3
    UNION
    SELECT u.num FROM json_each(?4) AS a
    CROSS JOIN users AS u
        ON a.value ->> 0 = 'user' AND u.id = a.value ->> 1 AND u.num > ?2 AND u.num <= ?3
    UNION
    SELECT u.num FROM users AS u
    WHERE u.num > ?2 AND u.num <= ?3 AND u.disabled = 0
        AND EXISTS (SELECT 1 FROM json_each(?4) AS a WHERE a.value ->> 0 = 'everyone')
) AS to_all
LEFT JOIN inboxes AS i ON i.user = to_all.user;

INSERT INTO inboxes (user, head, unread, unseen, fresh)
SELECT user, seq, 1, 1, ',' || ?1 FROM landings WHERE notification = ?1 AND user > ?2 AND user <= ?3
ON CONFLICT (user) DO UPDATE
SET head = excluded.head, unread = unread + 1, unseen = unseen + 1, fresh = fresh || excluded.fresh;

INSERT INTO placed_items (user, seq, notification)
SELECT i.user, i.placed + 1 + fresh.key, fresh.value
FROM landings AS l
CROSS JOIN inboxes AS i ON i.user = l.user AND (i.user + i.head) % ?5 = 0
CROSS JOIN json_each('[' || substr(i.fresh, 2) || ']') AS fresh
WHERE l.notification = ?1 AND l.user > ?2 AND l.user <= ?3;

UPDATE inboxes SET placed = head, fresh = ''
WHERE user IN (SELECT user FROM landings WHERE notification = ?1 AND user > ?2 AND user <= ?3)
    AND (user + head) % ?5 = 0;

UPDATE notifications
SET recipients = recipients + (
        SELECT count(*) FROM landings WHERE notification = ?1 AND user > ?2 AND user <= ?3
    ),
    state = CASE WHEN ?3 >= last_user THEN 'sent' ELSE 'sending' END,
    cursor = CASE WHEN ?3 >= last_user THEN 0 ELSE ?3 END
WHERE num = ?1;

SELECT group_concat(l.seq || ' ' || l.user || ' ' || u.id, char(10))
FROM landings AS l CROSS JOIN users AS u ON u.num = l.user
WHERE l.notification = ?1 AND l.user > ?2 AND l.user <= ?3;
