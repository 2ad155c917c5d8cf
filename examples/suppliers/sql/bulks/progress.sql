UPDATE bulks SET done = ?2, left_out = ?3 WHERE id = ?1
