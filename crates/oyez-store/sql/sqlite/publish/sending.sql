SELECT state, cursor, last_user, recipients, audience, id, kind, tail, lands_at, expires_at, group_key, media
FROM notifications WHERE num = ?1;
