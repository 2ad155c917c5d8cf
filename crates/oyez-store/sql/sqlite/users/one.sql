WHERE u.id = ?1;
