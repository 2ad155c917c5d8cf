SELECT json_group_array(json_array(
    num, queue, kind, CASE WHEN unique_key IS NOT NULL AND unique_held IS NULL THEN unique_states ELSE 0 END
))
FROM (
    SELECT num, queue, kind, unique_key, unique_held, unique_states FROM jobs
    WHERE state IN ('scheduled', 'retryable') AND scheduled_at <= ?1
    ORDER BY scheduled_at LIMIT ?2 + 0
);
