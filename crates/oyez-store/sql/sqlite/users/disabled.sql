SELECT num, disabled FROM users WHERE id = ?1;
