INSERT INTO ticket_developers (ticket_id, person_id, position) VALUES (?1, ?2, ?3)
