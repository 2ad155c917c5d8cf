UPDATE notifications
SET state = 'sending', lands_at = ?2, cursor = 0, last_user = (SELECT coalesce(max(num), 0) FROM users)
WHERE num IN (SELECT value FROM json_each(?1)) AND state = 'waiting';
