SELECT s.id, u.id, t.expires_at, t.used_at, s.revoked_at
FROM refresh_tokens AS t JOIN sessions AS s ON s.id = t.session JOIN users AS u ON u.num = s.user
WHERE t.hash = ?1;
