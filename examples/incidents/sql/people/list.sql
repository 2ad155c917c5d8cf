SELECT id, email, name,
       (SELECT group_concat(role) FROM person_roles WHERE person_id = people.id) AS roles
FROM people
WHERE ?1 IS NULL OR EXISTS (SELECT 1 FROM person_roles WHERE person_id = people.id AND role = ?1)
ORDER BY name, id
