SELECT name, version, created_at, updated_at, roles, refresh, state FROM boards
