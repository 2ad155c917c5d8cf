WHERE j.num IN (
    SELECT num FROM jobs
    WHERE user = (SELECT num FROM users WHERE id = ?1) AND finalized_at IS NULL
    ORDER BY num DESC LIMIT ?2 + 0
);
