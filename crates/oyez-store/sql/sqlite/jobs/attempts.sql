-- The last result is the job's own, earlier ones were put down here when the job was retried.
SELECT a.attempt, a.worker, a.started_at, a.ended_at, a.outcome, a.error,
    CASE WHEN a.attempt = j.attempt THEN coalesce(j.result, a.result) ELSE a.result END
FROM jobs AS j
JOIN job_attempts AS a ON a.job = j.num
WHERE j.id = ?1
UNION ALL
SELECT attempt, worker, attempted_at, NULL, NULL, NULL, NULL FROM jobs WHERE id = ?1 AND state = 'running'
ORDER BY 1;
