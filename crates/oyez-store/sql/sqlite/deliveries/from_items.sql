    , t.seq, coalesce(t.seen_at, t.read_at, t.archived_at) IS NOT NULL,
    n.tail
))
FROM deliveries AS d
CROSS JOIN users AS u ON u.num = d.user AND u.id > ' '
LEFT JOIN notifications AS n ON n.id = d.notification
LEFT JOIN items AS t ON t.notification = n.num AND t.user = d.user
