    , l.seq, coalesce(t.seen_at, t.read_at, t.archived_at) IS NOT NULL,
    n.tail
))
FROM deliveries AS d
CROSS JOIN users AS u ON u.num = d.user AND u.id > ' '
LEFT JOIN notifications AS n ON n.id = d.notification
LEFT JOIN landings AS l ON l.notification = n.num AND l.user = d.user
LEFT JOIN placed_items AS t ON t.user = l.user AND t.seq = l.seq
