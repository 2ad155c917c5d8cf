SELECT s.id, u.id, s.created_at, s.expires_at, s.revoked_at FROM sessions AS s JOIN users AS u ON u.num = s.user
