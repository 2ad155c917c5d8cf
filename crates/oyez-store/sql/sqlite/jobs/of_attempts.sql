WHERE j.num IN (
    SELECT named.num
    FROM jsonb_each(?1) AS asked
    CROSS JOIN jobs AS named
        ON named.id = unhex(asked.value ->> 0, '-') AND named.attempt = asked.value ->> 1
        AND named.state = 'running'
);
