SELECT id, email, name, role, application_id, password_hash IS NULL AS must_set_password FROM people WHERE role IN ('admin', 'reviewer') ORDER BY id
