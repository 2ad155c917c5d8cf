INSERT INTO tickets (hash, user, session, roles, expires_at) VALUES (?1, ?2, ?3, ?4, ?5);
