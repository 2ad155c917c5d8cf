SELECT count(*) FROM calls WHERE transfer_id = ?1 AND ended = 'done'
