SELECT u.id, t.seen_at, t.read_at, t.archived_at
FROM notifications AS n
CROSS JOIN items AS t ON t.notification = n.num
    AND t.user > coalesce((SELECT num FROM users WHERE id = ?2), 0)
CROSS JOIN users AS u ON u.num = t.user
WHERE n.id = ?1 AND u.id > ' '
ORDER BY t.user
LIMIT ?3 + 0;
