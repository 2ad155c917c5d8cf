-- `paused` stays when nothing is said of it; of a changed rule the last firing stays known.
INSERT INTO schedules (
    name, cron, time_zone, job, misfire, misfire_window_ms, misfire_max, overlap, paused, built_in, next_at,
    planned_until, created_at, updated_at
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, coalesce(?9, 0), ?10, ?11, ?12, ?12, ?12)
ON CONFLICT (name) DO UPDATE SET
    cron = excluded.cron, time_zone = excluded.time_zone, job = excluded.job, misfire = excluded.misfire,
    misfire_window_ms = excluded.misfire_window_ms, misfire_max = excluded.misfire_max, overlap = excluded.overlap,
    paused = coalesce(?9, paused), built_in = max(built_in, excluded.built_in), next_at = excluded.next_at,
    planned_until = excluded.planned_until, updated_at = excluded.updated_at;
