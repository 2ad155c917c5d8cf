DELETE FROM refresh_tokens
WHERE session IN (SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2 + 0);
