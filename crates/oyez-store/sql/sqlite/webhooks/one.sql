WHERE name = ?1;
