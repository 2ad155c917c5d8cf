DELETE FROM notifications
WHERE num IN (
    SELECT num FROM notifications
    WHERE recipients = 0 AND state NOT IN ('waiting', 'sending') AND created_at <= ?1
    ORDER BY created_at LIMIT ?2 + 0
);
