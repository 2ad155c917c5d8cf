DELETE FROM members WHERE topic = ?1 AND user = (SELECT num FROM users WHERE id = ?2);
