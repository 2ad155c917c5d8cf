SELECT tickets.*, projects.name AS project_name, people.name AS created_by_name
FROM tickets
JOIN projects ON projects.id = tickets.project_id
JOIN people ON people.id = tickets.created_by
WHERE tickets.id = ?1
