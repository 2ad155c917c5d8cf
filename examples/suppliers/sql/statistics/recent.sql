SELECT id, tracking_code, company_name, status, submitted_at FROM applications ORDER BY id DESC LIMIT ?1
