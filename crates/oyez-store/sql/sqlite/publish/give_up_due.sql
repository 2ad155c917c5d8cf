UPDATE notifications SET state = 'expired'
WHERE num IN (
    SELECT num FROM notifications
    WHERE state = 'waiting' AND lands_at <= ?1 AND expires_at <= ?1 ORDER BY lands_at LIMIT ?2 + 0
);
