SELECT entries.id, entries.kind, entries.body, entries.at, people.id AS author_id, people.name AS author_name
FROM entries JOIN people ON people.id = entries.author_id
WHERE entries.ticket_id = ?1
ORDER BY entries.id
