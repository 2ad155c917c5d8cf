INSERT INTO documents (transfer_id, content) VALUES (?1, ?2)
ON CONFLICT (transfer_id) DO UPDATE SET content = excluded.content
