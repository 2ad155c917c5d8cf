UPDATE schedules SET next_at = ?3, planned_until = ?4
WHERE name = ?1 AND next_at = ?2 AND paused = 0;
