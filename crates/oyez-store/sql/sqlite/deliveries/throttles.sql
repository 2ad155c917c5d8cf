INSERT INTO throttles (user, medium, full_at)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true
ON CONFLICT (user, medium) DO UPDATE SET full_at = excluded.full_at;
