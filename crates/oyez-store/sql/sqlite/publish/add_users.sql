INSERT INTO users (id, created_at)
SELECT value, ?2 FROM json_each(?1)
RETURNING num, id;
