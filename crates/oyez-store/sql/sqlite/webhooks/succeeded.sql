UPDATE webhooks SET failing_since = NULL, last_error = NULL, delivered_at = ?2 WHERE name = ?1;
