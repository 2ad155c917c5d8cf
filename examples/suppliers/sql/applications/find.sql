SELECT id FROM applications WHERE tracking_code = ?1 AND email = ?2
