SELECT answer FROM calls WHERE transfer_id = ?1 AND step = ?2 AND ended = 'failed'
