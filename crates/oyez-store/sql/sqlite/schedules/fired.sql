UPDATE schedules SET last_job = ?2, last_planned_at = ?3 WHERE name = ?1;
