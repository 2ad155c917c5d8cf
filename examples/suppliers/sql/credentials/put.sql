INSERT INTO credentials (person_id, hash, expires_at) VALUES (?1, ?2, ?3)
ON CONFLICT (person_id) DO UPDATE SET hash = ?2, expires_at = ?3, used_at = NULL
