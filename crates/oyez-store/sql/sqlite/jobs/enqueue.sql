INSERT INTO users (id, created_at)
SELECT value, ?2 FROM json_each(?1) WHERE true
ON CONFLICT (id) DO NOTHING;

INSERT INTO jobs (
    id, kind, queue, state, priority, scheduled_at, max_attempts, timeout_ms,
    user, unique_key, unique_states, schedule, planned_at, track,
    created_at, attempt, attempted_at, lease_until, worker,
    notify, backoff, messages, data, args
)
SELECT
    unhex(value ->> '$[0][0]', '-'), value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[0][3]',
    value ->> '$[0][4]', value ->> '$[0][5]', value ->> '$[0][6]', value ->> '$[0][7]',
    (SELECT num FROM users WHERE id = value ->> '$[1][0]'), value ->> '$[1][1]', value ->> '$[1][2]',
    value ->> '$[1][3]', value ->> '$[1][4]', value ->> '$[1][5]',
    value ->> '$[2][0]', value ->> '$[2][1]', value ->> '$[2][2]', value ->> '$[2][3]', value ->> '$[2][4]',
    value ->> '$[3][0]', value ->> '$[3][1]', value ->> '$[3][2]', value ->> '$[3][3]', value ->> '$[3][4]'
FROM jsonb_each(?3);

INSERT INTO idempotency (scope, key, fingerprint, job, created_at)
SELECT value ->> 0, value ->> 1, unhex(value ->> 2), unhex(value ->> 3, '-'), value ->> 4
FROM jsonb_each(?4) WHERE true
ON CONFLICT (scope, key) DO UPDATE
SET fingerprint = excluded.fingerprint, job = excluded.job, notification = NULL, response = NULL,
    created_at = excluded.created_at;
