UPDATE outbox SET refused = ?2 WHERE id = ?1
