SELECT id FROM applications
WHERE status = ?1 AND (?2 IS NULL OR category = ?2) AND (?3 IS NULL OR search LIKE ?3 ESCAPE '\')
ORDER BY id
LIMIT ?4
