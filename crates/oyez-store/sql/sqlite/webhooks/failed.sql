UPDATE webhooks SET failing_since = coalesce(failing_since, ?2), last_error = ?3 WHERE name = ?1
RETURNING failing_since, disabled;
