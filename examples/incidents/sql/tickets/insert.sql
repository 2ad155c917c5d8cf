INSERT INTO tickets (project_id, title, description, priority, category, status, created_by, created_at, resolution_due_at,
                     watch_topic)
VALUES (?1, ?2, ?3, ?4, ?5, 'NEW', ?6, ?7, ?8, ?9)
RETURNING id
