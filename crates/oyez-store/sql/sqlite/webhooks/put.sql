INSERT INTO webhooks (name, url, events, types, disabled, seed, secret_check, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
ON CONFLICT (name) DO UPDATE SET
    url = excluded.url, events = excluded.events, types = excluded.types, disabled = excluded.disabled,
    disabled_reason = NULL, failing_since = NULL, last_error = NULL, updated_at = excluded.updated_at;
