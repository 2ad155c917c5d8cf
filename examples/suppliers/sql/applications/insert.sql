INSERT INTO applications (tracking_code, company_name, registration_number, country, category, contact_name, email, phone,
                          website, description, status, submitted_at, updated_at, search)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'PENDING_REVIEW', ?11, ?11, ?12)
RETURNING id
