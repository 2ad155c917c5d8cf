SELECT id, kind, queue, attempt, worker, attempted_at, lease_until FROM jobs
WHERE state = 'running'
ORDER BY attempted_at, num LIMIT ?1 + 0;
