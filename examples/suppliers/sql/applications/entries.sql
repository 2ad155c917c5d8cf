SELECT entries.id, entries.kind, entries.body, entries.at, people.name AS person
FROM entries LEFT JOIN people ON people.id = entries.person_id
WHERE entries.application_id = ?1
ORDER BY entries.id
