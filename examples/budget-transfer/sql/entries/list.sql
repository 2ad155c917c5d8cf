SELECT step, at, text, log FROM entries WHERE transfer_id = ?1 ORDER BY id
