SELECT name, url, events, types, disabled, disabled_reason, seed, secret_check, old_seed, old_until, failing_since,
    last_error, delivered_at, created_at, updated_at
FROM webhooks
