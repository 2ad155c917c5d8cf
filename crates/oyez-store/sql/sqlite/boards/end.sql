UPDATE boards SET version = ?2, updated_at = ?3, roles = NULL, refresh = NULL, state = NULL WHERE name = ?1;
