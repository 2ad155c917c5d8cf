INSERT INTO entries (application_id, person_id, kind, body, at) VALUES (?1, ?2, ?3, ?4, ?5)
