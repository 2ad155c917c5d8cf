SELECT id, email, name,
       (SELECT group_concat(role) FROM person_roles WHERE person_id = people.id) AS roles
FROM people
WHERE id = ?1
