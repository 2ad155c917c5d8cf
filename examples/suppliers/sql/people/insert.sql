INSERT INTO people (email, name, role, password_hash, application_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id
