SELECT paused, concurrency, rate_count, rate_period_ms, window_start, used,
    CASE WHEN concurrency IS NULL THEN 0
        ELSE (SELECT count(*) FROM jobs WHERE state = 'running' AND queue = ?1 AND track = 0) END
FROM queues WHERE name = ?1;
