UPDATE webhooks SET disabled = 1, disabled_reason = ?2, updated_at = ?3 WHERE name = ?1 AND disabled = 0;
