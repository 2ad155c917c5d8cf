SELECT name, paused, concurrency, rate_count, rate_period_ms FROM queues ORDER BY name;
