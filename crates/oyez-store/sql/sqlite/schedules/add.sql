INSERT INTO schedules (
    name, cron, time_zone, job, misfire, misfire_window_ms, misfire_max, overlap, paused, built_in, next_at,
    planned_until, created_at, updated_at
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, coalesce(?9, 0), ?10, ?11, ?12, ?12, ?12)
ON CONFLICT (name) DO NOTHING;
