INSERT INTO user_roles (role, user, source) SELECT value, ?1, ?2 FROM json_each(?3) WHERE true
ON CONFLICT (role, user, source) DO NOTHING;
