SELECT id, name
FROM projects
WHERE ?1 IS NULL OR EXISTS (SELECT 1 FROM project_members WHERE project_id = projects.id AND person_id = ?1)
ORDER BY name, id
