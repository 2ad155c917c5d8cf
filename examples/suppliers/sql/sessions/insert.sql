INSERT INTO sessions (token_hash, person_id, csrf, expires_at) VALUES (?1, ?2, ?3, ?4)
