INSERT INTO entries (transfer_id, step, at, text, log) VALUES (?1, ?2, ?3, ?4, ?5)
