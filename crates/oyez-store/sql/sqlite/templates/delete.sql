DELETE FROM templates WHERE kind = ?1 AND medium = ?2 AND locale = ?3;
