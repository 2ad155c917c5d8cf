-- What waits in the digests ?1, each with the position of its digest in the list and how its item stands. What waits in
-- a digest was never tried.
SELECT json_group_array(json_array(
    asked.key, d.num, hex(d.id), hex(d.notification), d.kind, d.timing, d.created_at, d.expires_at,
    l.seq IS NULL, coalesce(t.seen_at, t.read_at, t.archived_at) IS NOT NULL
))
FROM json_each(?1) AS asked
CROSS JOIN deliveries AS d
    ON d.digest = unhex(asked.value, '-') AND d.notification IS NOT NULL AND d.state = 'waiting'
LEFT JOIN notifications AS n ON n.id = d.notification
LEFT JOIN landings AS l ON l.notification = n.num AND l.user = d.user
LEFT JOIN placed_items AS t ON t.user = l.user AND t.seq = l.seq;
