-- Those that ended or failed before ?6, so that none is found again that failed again meanwhile.
WHERE j.num IN (
    SELECT num FROM jobs
    WHERE state IN ('retryable', 'cancelled', 'discarded') AND state IN (SELECT value FROM json_each(?1))
        AND coalesce(finalized_at, attempted_at) < ?6 AND track = 0
        AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR queue = ?3)
        AND (?4 IS NULL OR user = (SELECT num FROM users WHERE id = ?4))
    ORDER BY num LIMIT ?5 + 0
);
