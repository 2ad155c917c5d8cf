SELECT name, version, roles, state IS NOT NULL FROM boards
