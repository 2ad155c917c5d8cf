-- Each state by its own index, and no order, so that each step begins where the last one left off.
WHERE j.num IN (
    SELECT num FROM jobs
    WHERE state = 'available'
        AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR queue = ?3)
        AND (?4 IS NULL OR user = (SELECT num FROM users WHERE id = ?4))
    UNION ALL
    SELECT num FROM jobs
    WHERE state IN ('scheduled', 'retryable')
        AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR queue = ?3)
        AND (?4 IS NULL OR user = (SELECT num FROM users WHERE id = ?4))
    UNION ALL
    SELECT num FROM jobs
    WHERE state = 'running' AND cancel_requested_at IS NULL
        AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR queue = ?3)
        AND (?4 IS NULL OR user = (SELECT num FROM users WHERE id = ?4))
    LIMIT ?5 + 0
);
