SELECT application_id, csrf FROM visits WHERE token_hash = ?1 AND expires_at > ?2
