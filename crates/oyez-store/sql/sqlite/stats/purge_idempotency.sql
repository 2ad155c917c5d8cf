DELETE FROM idempotency
WHERE (scope, key) IN (SELECT scope, key FROM idempotency WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2 + 0);
