UPDATE sessions SET revoked_at = ?2
WHERE revoked_at IS NULL AND user = (SELECT num FROM users WHERE id = ?1)
RETURNING id;
