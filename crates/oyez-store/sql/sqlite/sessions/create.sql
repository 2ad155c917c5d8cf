INSERT INTO sessions (id, user, created_at, expires_at) VALUES (?1, ?2, ?3, ?4);
