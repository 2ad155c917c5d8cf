SELECT transfer_id FROM outbox WHERE refused IS NULL ORDER BY transfer_id LIMIT ?1
