DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2 + 0);
