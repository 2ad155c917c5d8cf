WHERE s.id = (SELECT session FROM refresh_tokens WHERE hash = ?1);
