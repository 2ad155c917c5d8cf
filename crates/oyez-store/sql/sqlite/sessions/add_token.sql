INSERT INTO refresh_tokens (hash, session, expires_at) VALUES (?5, ?1, ?4);
