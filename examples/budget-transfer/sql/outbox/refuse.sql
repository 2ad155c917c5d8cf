UPDATE outbox SET refused = ?2 WHERE transfer_id = ?1
