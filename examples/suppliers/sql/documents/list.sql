SELECT documents.*, people.name AS verifier
FROM documents LEFT JOIN people ON people.id = documents.verified_by
WHERE documents.application_id = ?1
ORDER BY documents.id
