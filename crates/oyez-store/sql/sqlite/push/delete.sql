DELETE FROM push_subscriptions
WHERE id = ?2 AND user = (SELECT num FROM users WHERE id = ?1);
