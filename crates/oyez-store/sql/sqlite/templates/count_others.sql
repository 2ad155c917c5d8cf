SELECT count(*) FROM templates WHERE NOT (kind = ?1 AND medium = ?2 AND locale = ?3);
