SELECT count(*) FROM outbox WHERE refused IS NULL
