-- Each state by its own index: jobs that ended are not looked at.
WHERE j.num IN (
    SELECT num FROM jobs
    WHERE num IN (
        SELECT num FROM jobs WHERE state = 'available'
        UNION ALL
        SELECT num FROM jobs WHERE state IN ('scheduled', 'retryable')
        UNION ALL
        SELECT num FROM jobs WHERE state = 'running'
    )
        AND num < coalesce((SELECT num FROM jobs WHERE id = ?5), 9223372036854775807)
        AND state = ?1 AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR queue = ?3)
    ORDER BY num DESC LIMIT ?6 + 0
);
