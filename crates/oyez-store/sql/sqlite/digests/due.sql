-- Digests that are due at ?1, ?2 at most, each with how many it collected.
SELECT json_group_array(json_array(
    hex(id), user, (SELECT id FROM users WHERE num = user), medium, key, start, due_at, state,
    (SELECT count(*) FROM deliveries WHERE digest = due.id)
))
FROM (
    SELECT * FROM digests WHERE state = 'open' AND due_at <= ?1 ORDER BY due_at LIMIT ?2 + 0
) AS due;
