INSERT INTO idempotency (scope, key, fingerprint, notification, created_at)
SELECT value ->> 0, value ->> 1, unhex(value ->> 2), unhex(value ->> 3, '-'), value ->> 4
FROM jsonb_each(?5) WHERE true
ON CONFLICT (scope, key) DO UPDATE
SET fingerprint = excluded.fingerprint, notification = excluded.notification, response = NULL, job = NULL,
    created_at = excluded.created_at;
