SELECT status, count(*) FROM applications
WHERE (?1 IS NULL OR category = ?1) AND (?2 IS NULL OR search LIKE ?2 ESCAPE '\')
GROUP BY status
