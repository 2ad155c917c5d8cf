SELECT u.id, u.name, u.email, u.locale, u.time_zone, u.password_hash IS NOT NULL, u.disabled, u.created_at,
    (SELECT json_group_array(substr(source, 1, 1) || role) FROM user_roles WHERE user = u.num)
FROM users AS u
