-- What the last attempt ended with stays known with that attempt.
UPDATE job_attempts SET result = ended.result
FROM jobs AS ended
WHERE ended.num = ?1 AND ended.result IS NOT NULL AND job = ended.num AND job_attempts.attempt = ended.attempt;

UPDATE jobs
SET state = 'available', scheduled_at = ?2, finalized_at = NULL, cancel_requested_at = NULL, result = NULL,
    max_attempts = max(max_attempts, attempt - given_back + 1)
WHERE num = ?1;
