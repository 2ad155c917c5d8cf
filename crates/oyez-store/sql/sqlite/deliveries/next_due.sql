-- When something is to be done: by a medium, where ?1 names one, else by any, or with a digest.
SELECT min(due) FROM (
    SELECT (
        SELECT coalesce(lease_until, due_at) FROM deliveries
        WHERE medium = asked.value AND due_at IS NOT NULL
        ORDER BY coalesce(lease_until, due_at) LIMIT 1
    ) AS due
    FROM json_each(?1) AS asked
    UNION ALL
    SELECT min(due_at) FROM digests WHERE state = 'open' AND ?2
);
