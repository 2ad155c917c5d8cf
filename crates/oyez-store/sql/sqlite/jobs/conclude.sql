INSERT INTO job_attempts (job, attempt, worker, started_at, ended_at, outcome, error)
SELECT j.num, j.attempt, j.worker, j.attempted_at, ?2, ended.value ->> 4, ended.value ->> 5
FROM jsonb_each(?1) AS ended
CROSS JOIN jobs AS j ON j.num = ended.value ->> 0;

UPDATE jobs
SET state = ended.value ->> 1,
    scheduled_at = coalesce(ended.value ->> 2, scheduled_at),
    given_back = given_back + (ended.value ->> 3),
    error = ended.value ->> 5,
    result = ended.value ->> 6,
    finalized_at = CASE WHEN ended.value ->> 1 IN ('completed', 'cancelled', 'discarded') THEN ?2 END,
    lease_until = NULL
FROM jsonb_each(?1) AS ended
WHERE jobs.num = ended.value ->> 0;
