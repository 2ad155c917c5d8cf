WHERE j.num IN (
    SELECT num FROM jobs
    WHERE state IN ('retryable', 'cancelled', 'discarded') AND state IN ('cancelled', 'discarded')
        AND finalized_at < ?6 AND track = 0
        AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR queue = ?3)
        AND (?4 IS NULL OR user = (SELECT num FROM users WHERE id = ?4))
    ORDER BY num LIMIT ?5 + 0
);
