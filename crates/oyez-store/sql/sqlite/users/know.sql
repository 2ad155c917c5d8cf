-- The update that changes nothing makes the statement answer for a known user too.
INSERT INTO users (id, created_at) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET created_at = created_at
RETURNING num;
