-- Of each digest in ?1 how many it lists, and the oldest ?2 of them with what they tell, as JSON arrays; items whose
-- predecessors have ?3 bytes or more are left out.
SELECT json_group_array(json_array(asked.key, (
    SELECT count(*) FROM deliveries
    WHERE digest = unhex(asked.value, '-') AND notification IS NOT NULL
), json((
    SELECT json_group_array(json_array(id, seq, kind, tail, created_at))
    FROM (
        SELECT *, sum(octet_length(tail)) OVER (
            ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS bytes_before
        FROM (
            SELECT hex(n.id) AS id, t.seq AS seq, d.kind AS kind, n.tail AS tail, d.created_at AS created_at
            FROM deliveries AS d
            CROSS JOIN notifications AS n ON n.id = d.notification
            CROSS JOIN landings AS t ON t.notification = n.num AND t.user = d.user
            WHERE d.digest = unhex(asked.value, '-') AND d.notification IS NOT NULL
            ORDER BY t.seq
            LIMIT ?2 + 0
        )
    )
    WHERE bytes_before IS NULL OR bytes_before < ?3
))))
FROM json_each(?1) AS asked;
