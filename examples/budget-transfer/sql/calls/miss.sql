UPDATE calls SET missed_ms = missed_ms + ?2 WHERE id = ?1 RETURNING missed_ms
