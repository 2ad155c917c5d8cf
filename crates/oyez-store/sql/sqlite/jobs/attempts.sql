SELECT a.attempt, a.worker, a.started_at, a.ended_at, a.outcome, a.error
FROM job_attempts AS a
WHERE a.job = (SELECT num FROM jobs WHERE id = ?1)
UNION ALL
SELECT attempt, worker, attempted_at, NULL, NULL, NULL FROM jobs WHERE id = ?1 AND state = 'running'
ORDER BY 1;
