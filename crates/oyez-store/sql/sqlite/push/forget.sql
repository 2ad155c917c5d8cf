DELETE FROM push_subscriptions WHERE id IN (SELECT unhex(value) FROM json_each(?1));
