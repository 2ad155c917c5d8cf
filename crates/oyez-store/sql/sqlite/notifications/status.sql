SELECT n.kind, n.state, n.created_at, n.send_at, n.expires_at, n.audience, n.recipients,
    (SELECT count(*) FROM items AS t WHERE t.notification = n.num AND t.seen_at IS NOT NULL),
    (SELECT count(*) FROM items AS t WHERE t.notification = n.num AND t.read_at IS NOT NULL),
    n.tail
FROM notifications AS n
WHERE n.id = ?1;
