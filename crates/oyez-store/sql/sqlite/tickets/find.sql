SELECT u.id, t.session, t.roles, t.expires_at FROM tickets AS t JOIN users AS u ON u.num = t.user WHERE t.hash = ?1;
