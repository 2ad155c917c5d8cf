FROM push_subscriptions AS p WHERE p.endpoint = ?1;
