DELETE FROM jobs
WHERE num IN (
    SELECT num FROM jobs
    WHERE finalized_at IS NOT NULL AND finalized_at < ?1 ORDER BY finalized_at LIMIT ?2 + 0
);
