SELECT title, body, created_at FROM bulks
WHERE kind = 'announce' AND EXISTS (SELECT 1 FROM json_each(targets) WHERE value = ?1)
ORDER BY id DESC
LIMIT ?2
