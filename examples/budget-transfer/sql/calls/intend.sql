INSERT INTO calls (transfer_id, step, intended_at) VALUES (?1, ?2, ?3) RETURNING id
