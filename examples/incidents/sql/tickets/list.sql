SELECT tickets.*, projects.name AS project_name, people.name AS created_by_name
FROM tickets
JOIN projects ON projects.id = tickets.project_id
JOIN people ON people.id = tickets.created_by
WHERE (?1 IS NULL
       OR tickets.created_by = ?1
       OR (?2 AND EXISTS (SELECT 1 FROM ticket_developers WHERE ticket_id = tickets.id AND person_id = ?1)))
  AND (?3 IS NULL OR tickets.status = ?3)
  AND (?4 IS NULL OR tickets.id < ?4)
ORDER BY tickets.id DESC
LIMIT ?5
