-- What is planned already stays as it is.
INSERT INTO deliveries (
    id, user, medium, notification, kind, timing, state, digest, due_at, created_at, expires_at
)
SELECT
    unhex(value ->> 0, '-'), value ->> 1, value ->> 2, unhex(value ->> 3, '-'), value ->> 4, value ->> 5, value ->> 6,
    unhex(value ->> 7, '-'), value ->> 8, value ->> 9, value ->> 10
FROM jsonb_each(?1) WHERE true
ON CONFLICT (id) DO NOTHING;
