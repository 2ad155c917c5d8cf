INSERT INTO suppressions (address, error, created_at)
SELECT value ->> 0, value ->> 1, ?2 FROM json_each(?1) WHERE true
ON CONFLICT (address) DO UPDATE SET error = excluded.error, created_at = excluded.created_at;
