DELETE FROM credentials WHERE person_id = ?1
