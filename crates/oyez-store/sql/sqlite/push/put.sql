INSERT INTO push_subscriptions (id, user, endpoint, public_key, auth, device, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (endpoint) DO UPDATE SET
    user = excluded.user, public_key = excluded.public_key, auth = excluded.auth,
    device = coalesce(excluded.device, CASE WHEN user = excluded.user THEN device END),
    created_at = excluded.created_at;
