UPDATE calls SET answer = ?2 WHERE id = ?1 AND ended IS NULL
