-- First row: the last notification's number and the last user's. Then each known user: id, number, head.
SELECT NULL, (SELECT coalesce(max(num), 0) FROM notifications), (SELECT coalesce(max(num), 0) FROM users)
UNION ALL
SELECT u.id, u.num, coalesce(i.head, 0)
FROM json_each(?1) AS named
CROSS JOIN users AS u ON u.id = named.value
LEFT JOIN inboxes AS i ON i.user = u.num;
