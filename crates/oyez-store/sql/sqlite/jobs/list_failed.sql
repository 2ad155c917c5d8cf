WHERE j.num IN (
    SELECT num FROM jobs
    WHERE state IN ('retryable', 'cancelled', 'discarded') AND state = ?1
        AND num < coalesce((SELECT num FROM jobs WHERE id = ?5), 9223372036854775807)
        AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR queue = ?3)
    ORDER BY num DESC LIMIT ?6 + 0
);
