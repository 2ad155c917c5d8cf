UPDATE credentials SET used_at = ?3 WHERE person_id = ?1 AND hash = ?2 AND used_at IS NULL AND expires_at > ?3
