SELECT id, name, scopes, created_at, revoked_at FROM api_keys WHERE secret_hash = ?1 AND revoked_at IS NULL;
