SELECT content FROM documents WHERE transfer_id = ?1
