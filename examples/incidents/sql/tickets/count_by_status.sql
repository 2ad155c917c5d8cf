SELECT tickets.status, count(*)
FROM tickets
WHERE ?1 IS NULL
   OR tickets.created_by = ?1
   OR (?2 AND EXISTS (SELECT 1 FROM ticket_developers WHERE ticket_id = tickets.id AND person_id = ?1))
GROUP BY tickets.status
