-- What was planned while it was held is not made up for.
UPDATE schedules SET paused = ?2, next_at = ?3, planned_until = ?4, updated_at = ?4 WHERE name = ?1;
