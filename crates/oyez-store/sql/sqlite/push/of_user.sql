FROM push_subscriptions AS p JOIN users AS u ON u.num = p.user
WHERE u.id = ?1
ORDER BY p.num;
