UPDATE push_subscriptions SET sent_at = ?2 WHERE id IN (SELECT unhex(value) FROM json_each(?1));
