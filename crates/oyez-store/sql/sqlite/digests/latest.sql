-- Of each user, medium and key in ?1 the digest that started last.
SELECT json_group_array(json_array(asked.key, hex(d.id), d.start, d.due_at, d.state))
FROM json_each(?1) AS asked
CROSS JOIN digests AS d
    ON d.user = asked.value ->> 0 AND d.medium = asked.value ->> 1 AND d.key = asked.value ->> 2
    AND d.start = (
        SELECT max(start) FROM digests
        WHERE user = asked.value ->> 0 AND medium = asked.value ->> 1 AND key = asked.value ->> 2
    );
