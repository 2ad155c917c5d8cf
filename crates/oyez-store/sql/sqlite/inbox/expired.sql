SELECT num, cursor, id FROM notifications
WHERE state = 'sent' AND expires_at IS NOT NULL AND expires_at <= ?1
ORDER BY expires_at LIMIT ?2 + 0;
