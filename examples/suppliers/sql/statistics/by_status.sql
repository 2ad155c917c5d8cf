SELECT status, count(*) FROM applications GROUP BY status
