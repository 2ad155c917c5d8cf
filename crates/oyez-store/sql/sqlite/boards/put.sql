INSERT INTO boards (name, version, created_at, updated_at, roles, refresh, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (name) DO UPDATE
SET version = excluded.version, created_at = excluded.created_at, updated_at = excluded.updated_at,
    roles = excluded.roles, refresh = excluded.refresh, state = excluded.state;
