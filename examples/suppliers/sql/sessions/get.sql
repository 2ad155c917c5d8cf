SELECT person_id, csrf FROM sessions WHERE token_hash = ?1 AND expires_at > ?2
