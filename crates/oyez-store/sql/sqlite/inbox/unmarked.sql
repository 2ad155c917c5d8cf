SELECT t.seq, n.id, t.seen_at, t.read_at, t.archived_at
FROM placed_items AS t
CROSS JOIN notifications AS n ON n.num = t.notification
WHERE t.user = ?1 AND t.seq > ?2 AND t.seq <= ?3
    AND CASE ?4
        WHEN 'seen' THEN t.seen_at IS NULL
        WHEN 'read' THEN t.read_at IS NULL OR t.seen_at IS NULL
        WHEN 'unread' THEN t.read_at IS NOT NULL
        ELSE t.archived_at IS NULL
    END
ORDER BY t.seq
LIMIT ?5 + 0;
