-- Items of the oldest notifications: up to where each inbox can be cut.
SELECT user, max(seq) FROM (
    SELECT t.user, t.seq
    FROM (
        SELECT num FROM notifications
        WHERE lands_at < ?1 AND state NOT IN ('waiting', 'sending') ORDER BY lands_at LIMIT ?2 + 0
    ) AS old
    CROSS JOIN landings AS t ON t.notification = old.num
    LIMIT ?2 + 0
)
GROUP BY user;
