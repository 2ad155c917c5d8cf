-- The head, and the items as one JSON array: a row for each would cost a switch of threads each.
-- Items whose predecessors in the page have ?4 bytes or more are left out.
SELECT coalesce(i.head, 0), (
    SELECT json_group_array(json_array(seq, hex(id), tail, seen_at, read_at, archived_at))
    FROM (
        SELECT *, sum(octet_length(tail)) OVER (
            ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS bytes_before
        FROM (
            SELECT t.seq, n.id, n.tail, t.seen_at, t.read_at, t.archived_at
            FROM (
                SELECT * FROM (
                    SELECT seq, notification, seen_at, read_at, archived_at FROM placed_items
                    WHERE user = u.num AND seq > ?2
                    ORDER BY seq
                    LIMIT ?3 + 0
                )
                UNION ALL
                SELECT i.placed + 1 + key, value, NULL, NULL, NULL
                FROM json_each('[' || substr(i.fresh, 2) || ']')
                WHERE i.placed + 1 + key > ?2
            ) AS t
            CROSS JOIN notifications AS n ON n.num = t.notification
            ORDER BY t.seq
            LIMIT ?3 + 0
        )
    )
    WHERE bytes_before IS NULL OR bytes_before < ?4
)
FROM users AS u
LEFT JOIN inboxes AS i ON i.user = u.num
WHERE u.id = ?1;
