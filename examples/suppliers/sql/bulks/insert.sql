INSERT INTO bulks (kind, title, body, targets, created_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id
