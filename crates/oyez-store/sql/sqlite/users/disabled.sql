SELECT num, disabled, email FROM users WHERE id = ?1;
