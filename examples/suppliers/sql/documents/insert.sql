INSERT INTO documents (application_id, kind, name, file, media_type, bytes, uploaded_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
RETURNING id
