SELECT request FROM preferences WHERE user = (SELECT num FROM users WHERE id = ?1);
