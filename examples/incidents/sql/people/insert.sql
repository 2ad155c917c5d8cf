INSERT INTO people (email, name, password_hash, created_at) VALUES (?1, ?2, ?3, ?4) RETURNING id
