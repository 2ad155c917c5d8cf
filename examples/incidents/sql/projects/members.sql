SELECT project_id, people.id, people.name
FROM project_members JOIN people ON people.id = person_id
ORDER BY people.name, people.id
