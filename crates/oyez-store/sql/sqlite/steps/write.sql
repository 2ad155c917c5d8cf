-- A completed step stays as it is.
INSERT INTO job_steps (job, name, number, total, attempt, status, started_at, finished_at, result)
SELECT
    j.num, told.value ->> 2, told.value ->> 3, told.value ->> 4, j.attempt, told.value ->> 5, ?2,
    CASE WHEN told.value ->> 5 <> 'processing' THEN ?2 END, told.value ->> 6
FROM jsonb_each(?1) AS told
CROSS JOIN jobs AS j
    ON j.id = unhex(told.value ->> 0, '-') AND j.attempt = told.value ->> 1 AND j.state = 'running'
WHERE true
ON CONFLICT (job, name) DO UPDATE
SET number = excluded.number, total = excluded.total, status = excluded.status, finished_at = excluded.finished_at,
    started_at = CASE WHEN attempt = excluded.attempt THEN started_at ELSE excluded.started_at END,
    attempt = excluded.attempt, result = excluded.result
WHERE job_steps.status <> 'completed';

UPDATE jobs SET lease_until = told.value ->> 7
FROM jsonb_each(?1) AS told
WHERE jobs.id = unhex(told.value ->> 0, '-') AND jobs.attempt = told.value ->> 1 AND jobs.state = 'running';
