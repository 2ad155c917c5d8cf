UPDATE transfers SET job = ?2 WHERE id = ?1
