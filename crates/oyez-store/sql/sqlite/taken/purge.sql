DELETE FROM taken_messages
WHERE (message, receiver) IN (SELECT message, receiver FROM taken_messages WHERE at < ?1 ORDER BY at LIMIT ?2 + 0);
