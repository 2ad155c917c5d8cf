UPDATE jobs
SET state = 'available', scheduled_at = ?2, finalized_at = NULL, cancel_requested_at = NULL, result = NULL,
    max_attempts = max(max_attempts, attempt - given_back + 1)
WHERE num = ?1;
