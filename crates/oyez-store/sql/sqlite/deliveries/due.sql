-- What is due by medium ?1 at ?2, and what a worker lost, ?3 at most.
WHERE d.num IN (
    SELECT num FROM deliveries
    WHERE medium = ?1 AND due_at IS NOT NULL AND coalesce(lease_until, due_at) <= ?2
    ORDER BY coalesce(lease_until, due_at) LIMIT ?3 + 0
);
