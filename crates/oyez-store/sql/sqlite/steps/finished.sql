SELECT job, json_group_array(json_array(name, number, total, attempt, status, started_at, finished_at, result))
FROM (
    SELECT * FROM job_steps
    WHERE job IN (SELECT value FROM json_each(?1)) AND status = 'completed'
    ORDER BY job, rowid
)
GROUP BY job;
