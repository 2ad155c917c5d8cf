INSERT INTO visits (token_hash, application_id, csrf, expires_at) VALUES (?1, ?2, ?3, ?4)
