INSERT INTO submissions (person_id, key, fingerprint, ticket_id, at) VALUES (?1, ?2, ?3, ?4, ?5)
