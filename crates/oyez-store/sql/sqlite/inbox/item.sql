SELECT t.seq, n.id, n.tail, t.seen_at, t.read_at, t.archived_at
FROM notifications AS n
CROSS JOIN items AS t ON t.notification = n.num AND t.user = (SELECT num FROM users WHERE id = ?1)
WHERE n.id = ?2;
