SELECT coalesce(i.head, 0), t.seq, n.id, n.tail, t.seen_at, t.read_at, t.archived_at
FROM users AS u
LEFT JOIN inboxes AS i ON i.user = u.num
LEFT JOIN items AS t ON t.user = u.num AND t.seq > ?2
LEFT JOIN notifications AS n ON n.num = t.notification
WHERE u.id = ?1
ORDER BY t.seq
LIMIT ?3;
