SELECT t.user, u.id, t.seq, t.seen_at, t.read_at, t.archived_at
FROM items AS t
CROSS JOIN users AS u ON u.num = t.user
WHERE t.notification = ?1 AND t.user > ?2
ORDER BY t.user LIMIT ?3 + 0;
