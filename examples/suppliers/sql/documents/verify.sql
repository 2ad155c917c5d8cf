UPDATE documents SET verified_at = ?2, verified_by = ?3 WHERE id = ?1 AND verified_at IS NULL
