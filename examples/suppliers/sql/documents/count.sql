SELECT count(*) FROM documents WHERE application_id = ?1
