SELECT a.attempt, a.started_at, a.ended_at, a.outcome, a.answer, a.error
FROM delivery_attempts AS a
WHERE a.delivery = (SELECT num FROM deliveries WHERE id = ?1)
UNION ALL
SELECT attempt, attempted_at, NULL, NULL, NULL, NULL FROM deliveries WHERE id = ?1 AND lease_until IS NOT NULL
ORDER BY 1;
