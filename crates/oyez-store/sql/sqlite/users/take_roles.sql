DELETE FROM user_roles WHERE user = ?1 AND source = ?2 AND role NOT IN (SELECT value FROM json_each(?3));
