SELECT DISTINCT t.seq, n.id, t.seen_at, t.read_at, t.archived_at
FROM json_each(?2) AS chosen
CROSS JOIN notifications AS n ON n.id = unhex(chosen.value, '-')
CROSS JOIN items AS t ON t.notification = n.num AND t.user = ?1
ORDER BY t.seq;
