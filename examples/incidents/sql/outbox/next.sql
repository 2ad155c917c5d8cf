SELECT id, key, request FROM outbox WHERE refused IS NULL ORDER BY id LIMIT ?1
