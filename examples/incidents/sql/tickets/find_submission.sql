SELECT fingerprint, ticket_id FROM submissions WHERE person_id = ?1 AND key = ?2
