INSERT INTO notifications (
    num, id, kind, tail, audience, state, created_at,
    send_at, expires_at, lands_at, group_key, recipients, last_user, media
)
SELECT
    value ->> '$[0][0]', unhex(value ->> '$[0][1]', '-'), value ->> '$[0][2]', value ->> '$[0][3]',
    value -> '$[0][4]', value ->> '$[0][5]', value ->> '$[0][6]',
    value ->> '$[1][0]', value ->> '$[1][1]', value ->> '$[1][2]', value ->> '$[1][3]',
    value ->> '$[1][4]', value ->> '$[1][5]', value ->> '$[1][6]'
FROM jsonb_each(?1);

INSERT INTO inboxes (user, head, unread, unseen)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 2 FROM jsonb_each(?2) WHERE true
ON CONFLICT (user) DO UPDATE
SET head = excluded.head, unread = unread + excluded.unread, unseen = unseen + excluded.unseen;

INSERT INTO items (user, seq, notification)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?3);

INSERT INTO idempotency (scope, key, fingerprint, notification, created_at)
SELECT value ->> 0, value ->> 1, unhex(value ->> 2), unhex(value ->> 3, '-'), value ->> 4
FROM jsonb_each(?4) WHERE true
ON CONFLICT (scope, key) DO UPDATE
SET fingerprint = excluded.fingerprint, notification = excluded.notification, response = NULL, job = NULL,
    created_at = excluded.created_at;
