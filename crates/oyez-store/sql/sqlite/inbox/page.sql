SELECT t.seq, n.id, n.tail, t.seen_at, t.read_at, t.archived_at
FROM placed_items AS t
CROSS JOIN notifications AS n ON n.num = t.notification
WHERE t.user = (SELECT num FROM users WHERE id = ?1) AND t.seq < ?2 AND (?4 IS NULL OR n.kind = ?4)
