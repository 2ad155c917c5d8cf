SELECT id, lane, application_id, key, errand FROM outbox WHERE refused IS NULL ORDER BY lane, id LIMIT ?1
