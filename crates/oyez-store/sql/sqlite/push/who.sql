SELECT DISTINCT p.user FROM json_each(?1) AS j JOIN push_subscriptions AS p ON p.user = j.value;
