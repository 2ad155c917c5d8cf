DELETE FROM ticket_developers WHERE ticket_id = ?1
