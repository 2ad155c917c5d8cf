SELECT id, password_hash, disabled FROM users WHERE id = ?1 AND password_hash IS NOT NULL
UNION
SELECT id, password_hash, disabled FROM users
WHERE email IS NOT NULL AND lower(email) = lower(?1) AND password_hash IS NOT NULL
LIMIT 3;
