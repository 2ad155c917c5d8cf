INSERT INTO preferences (user, request, updated_at) VALUES (?1, ?2, ?3)
ON CONFLICT (user) DO UPDATE SET request = excluded.request, updated_at = excluded.updated_at;
