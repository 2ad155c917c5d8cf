-- The first user after ?1 and up to ?2 whom the audience ?3 names.
SELECT min(next) FROM (
    SELECT CASE a.value ->> 0
        WHEN 'role' THEN (SELECT min(user) FROM user_roles WHERE role = a.value ->> 1 AND user > ?1)
        WHEN 'topic' THEN (SELECT min(user) FROM members WHERE topic = a.value ->> 1 AND user > ?1)
        WHEN 'user' THEN (SELECT num FROM users WHERE id = a.value ->> 1 AND num > ?1)
        ELSE (SELECT min(num) FROM users WHERE num > ?1)
    END AS next
    FROM json_each(?3) AS a
) WHERE next <= ?2;
