INSERT INTO entries (ticket_id, author_id, kind, body, at) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id
