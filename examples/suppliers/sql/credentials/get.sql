SELECT expires_at, used_at FROM credentials WHERE person_id = ?1
