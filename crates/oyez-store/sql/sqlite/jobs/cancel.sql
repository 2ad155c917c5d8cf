UPDATE jobs SET state = 'cancelled', finalized_at = ?2, cancel_requested_at = coalesce(cancel_requested_at, ?2)
WHERE num IN (SELECT value FROM json_each(?1)) AND state IN ('available', 'scheduled', 'retryable');

UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, ?2)
WHERE num IN (SELECT value FROM json_each(?1)) AND state = 'running';
