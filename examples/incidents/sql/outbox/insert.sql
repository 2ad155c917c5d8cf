INSERT INTO outbox (key, request, created_at) VALUES (?1, ?2, ?3)
