-- Those of which a worker makes the attempts ?1 now.
WHERE d.num IN (
    SELECT named.num
    FROM json_each(?1) AS asked
    CROSS JOIN deliveries AS named
        ON named.id = unhex(asked.value ->> 0, '-') AND named.attempt = asked.value ->> 1
        AND named.lease_until IS NOT NULL
);
