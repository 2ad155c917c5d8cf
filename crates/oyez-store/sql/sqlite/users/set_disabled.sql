UPDATE users SET disabled = ?2 WHERE num = ?1;
