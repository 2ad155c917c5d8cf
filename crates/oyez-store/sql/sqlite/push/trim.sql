DELETE FROM push_subscriptions
WHERE user = ?1 AND endpoint <> ?2
    AND num NOT IN (
        SELECT num FROM push_subscriptions WHERE user = ?1 AND endpoint <> ?2
        ORDER BY created_at DESC, num DESC LIMIT ?3 + 0
    );
