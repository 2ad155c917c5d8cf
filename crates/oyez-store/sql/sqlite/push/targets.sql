, EXISTS (SELECT 1 FROM taken_messages AS t WHERE t.message = ?2 AND t.receiver = lower(hex(p.id)))
FROM push_subscriptions AS p JOIN users AS u ON u.num = p.user
WHERE u.id = ?1
ORDER BY p.num;
