UPDATE webhooks
SET old_seed = seed, old_until = ?4, seed = ?2, secret_check = ?3, updated_at = ?5
WHERE name = ?1;
