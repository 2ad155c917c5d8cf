-- Of the users ?1 those who chose something or named a time zone, as one JSON array.
SELECT json_group_array(json_array(u.num, u.time_zone, p.request))
FROM json_each(?1) AS asked
CROSS JOIN users AS u ON u.num = asked.value
LEFT JOIN preferences AS p ON p.user = u.num
WHERE u.time_zone IS NOT NULL OR p.request IS NOT NULL;
