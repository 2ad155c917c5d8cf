SELECT u.id FROM members AS m JOIN users AS u ON u.num = m.user
WHERE m.topic = ?1 AND u.id > ?2 ORDER BY u.id LIMIT ?3 + 0;
