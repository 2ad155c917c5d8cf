SELECT * FROM transfers WHERE id = ?1
