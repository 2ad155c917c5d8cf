INSERT INTO digests (id, user, medium, key, start, due_at, state)
SELECT unhex(value ->> 0, '-'), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, 'open'
FROM json_each(?1) WHERE true
ON CONFLICT (id) DO NOTHING;
