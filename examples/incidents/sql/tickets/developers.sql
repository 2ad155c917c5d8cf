SELECT ticket_id, people.id, people.name
FROM ticket_developers JOIN people ON people.id = person_id
WHERE ticket_id IN (SELECT value FROM json_each(?1))
ORDER BY ticket_id, position
