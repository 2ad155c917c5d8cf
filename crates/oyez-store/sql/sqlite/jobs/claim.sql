UPDATE jobs
SET state = 'running', attempt = attempt + 1, attempted_at = ?2, lease_until = ?3, worker = ?4,
    progress = NULL
WHERE num IN (SELECT value FROM json_each(?1));
