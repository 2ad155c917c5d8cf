SELECT name, refresh FROM boards WHERE refresh IS NOT NULL AND state IS NOT NULL ORDER BY name;
