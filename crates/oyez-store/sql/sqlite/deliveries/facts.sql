-- What is known of users when it is decided whether to send: ?1 are pairs of user and medium, ?2 the key of a digest of
-- what was too many.
SELECT json_group_array(json_array(
    u.num, asked.value ->> 1, u.id, u.name, u.email, u.locale, u.time_zone, u.password_hash IS NOT NULL, u.disabled,
    u.created_at,
    json((SELECT json_group_array(substr(source, 1, 1) || role) FROM user_roles WHERE user = u.num)),
    (SELECT request FROM preferences WHERE user = u.num),
    (SELECT full_at FROM throttles WHERE user = u.num AND medium = asked.value ->> 1),
    EXISTS (
        SELECT 1 FROM digests WHERE user = u.num AND medium = asked.value ->> 1 AND key = ?2 AND state = 'open'
    )
))
FROM json_each(?1) AS asked
CROSS JOIN users AS u ON u.num = asked.value ->> 0;
