SELECT state, cursor, last_user, recipients, audience, id, kind, tail FROM notifications WHERE num = ?1;
