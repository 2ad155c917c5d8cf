INSERT INTO idempotency (scope, key, fingerprint, response, created_at) VALUES (?1, ?2, ?3, ?4, ?5);
