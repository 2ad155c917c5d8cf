-- ?1 and ?5 are for the statements that may follow.
INSERT INTO notifications (
    num, id, kind, tail, audience, state, created_at,
    send_at, expires_at, lands_at, group_key, recipients, last_user, media
)
SELECT
    value ->> '$[0][0]', unhex(value ->> '$[0][1]', '-'), value ->> '$[0][2]', value ->> '$[0][3]',
    value -> '$[0][4]', value ->> '$[0][5]', value ->> '$[0][6]',
    value ->> '$[1][0]', value ->> '$[1][1]', value ->> '$[1][2]', value ->> '$[1][3]',
    value ->> '$[1][4]', value ->> '$[1][5]', value ->> '$[1][6]'
FROM jsonb_each(?2);

INSERT INTO inboxes (user, head, unread, unseen, fresh)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 2, value ->> 3 FROM jsonb_each(?3) WHERE true
ON CONFLICT (user) DO UPDATE
SET head = excluded.head, unread = unread + excluded.unread, unseen = unseen + excluded.unseen,
    fresh = fresh || excluded.fresh;

INSERT INTO landings (notification, user, seq)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?4);
