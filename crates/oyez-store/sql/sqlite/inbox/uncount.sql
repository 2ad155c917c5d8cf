UPDATE inboxes
SET unread = inboxes.unread - gone.unread, unseen = inboxes.unseen - gone.unseen,
    kept_after = max(inboxes.kept_after, gone.seq)
FROM (
    SELECT cut.value ->> 0 AS user, cut.value ->> 1 AS seq,
        count(*) FILTER (WHERE t.read_at IS NULL AND t.archived_at IS NULL AND t.seq IS NOT NULL) AS unread,
        count(*) FILTER (WHERE t.seen_at IS NULL AND t.archived_at IS NULL AND t.seq IS NOT NULL) AS unseen
    FROM json_each(?1) AS cut
    LEFT JOIN placed_items AS t ON t.user = cut.value ->> 0 AND t.seq <= cut.value ->> 1
    GROUP BY 1, 2
) AS gone
WHERE inboxes.user = gone.user;
