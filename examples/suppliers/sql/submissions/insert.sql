INSERT INTO submissions (caller, key, fingerprint, touched, at) VALUES (?1, ?2, ?3, ?4, ?5)
