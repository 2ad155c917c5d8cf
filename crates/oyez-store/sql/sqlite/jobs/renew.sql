UPDATE jobs SET lease_until = ?2
FROM jsonb_each(?1) AS renewed
WHERE jobs.id = unhex(renewed.value ->> 0, '-') AND jobs.attempt = renewed.value ->> 1 AND jobs.state = 'running';
