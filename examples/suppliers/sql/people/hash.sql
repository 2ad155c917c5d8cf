SELECT id, password_hash FROM people WHERE email = ?1
