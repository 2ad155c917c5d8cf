INSERT INTO outbox (lane, application_id, key, errand, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
