SELECT * FROM applications
WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR category = ?2) AND (?3 IS NULL OR search LIKE ?3 ESCAPE '\')
ORDER BY id DESC
LIMIT ?4 OFFSET ?5
