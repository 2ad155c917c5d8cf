INSERT INTO lines (transfer_id, position, account, side, cents, description) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
