SELECT name, version, updated_at, roles, refresh, length(CAST(state AS BLOB)) FROM boards
WHERE name > ?1 AND state IS NOT NULL
ORDER BY name LIMIT ?2 + 0;
