SELECT min(scheduled_at) FROM jobs WHERE state IN ('scheduled', 'retryable');
