UPDATE sessions SET expires_at = ?4 WHERE id = ?1;
