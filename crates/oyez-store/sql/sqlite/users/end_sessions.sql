UPDATE sessions SET revoked_at = ?2 WHERE user = ?1 AND revoked_at IS NULL;
DELETE FROM tickets WHERE user = ?1;
