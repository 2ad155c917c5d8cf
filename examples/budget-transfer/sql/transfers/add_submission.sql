INSERT INTO submissions (owner, key, fingerprint, transfer_id, at) VALUES (?1, ?2, ?3, ?4, ?5)
