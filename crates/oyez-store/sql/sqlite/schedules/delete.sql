DELETE FROM schedules WHERE name = ?1 AND built_in = 0;
