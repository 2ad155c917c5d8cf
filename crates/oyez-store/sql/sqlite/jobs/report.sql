UPDATE jobs
SET progress = coalesce(reported.value ->> 2, progress), lease_until = coalesce(reported.value ->> 3, lease_until)
FROM jsonb_each(?1) AS reported
WHERE jobs.id = unhex(reported.value ->> 0, '-') AND jobs.attempt = reported.value ->> 1 AND jobs.state = 'running';
