INSERT INTO outbox (transfer_id) VALUES (?1)
