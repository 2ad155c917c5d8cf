SELECT topic FROM members WHERE user = (SELECT num FROM users WHERE id = ?1) ORDER BY topic;
