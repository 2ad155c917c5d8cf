SELECT s.name, s.cron, s.time_zone, s.job, s.misfire, s.misfire_window_ms, s.misfire_max, s.overlap, s.paused,
    s.built_in, s.next_at, s.planned_until, s.last_planned_at, (SELECT id FROM jobs WHERE id = s.last_job),
    (SELECT count(*) FROM jobs WHERE schedule = s.name AND finalized_at IS NULL), s.created_at, s.updated_at
FROM schedules AS s
