-- Those of ?1 that still run the named attempt, with what a change of their state must know.
SELECT json_group_array(json_array(
    asked.key, j.num, j.cancel_requested_at IS NOT NULL,
    CASE WHEN j.unique_key IS NOT NULL AND j.unique_held IS NULL THEN j.unique_states ELSE 0 END
))
FROM jsonb_each(?1) AS asked
CROSS JOIN jobs AS j
    ON j.id = unhex(asked.value ->> 0, '-') AND j.attempt = asked.value ->> 1 AND j.state = 'running';
