SELECT json_group_array(json_array(name, number, total, attempt, status, started_at, finished_at, result))
FROM (SELECT * FROM job_steps WHERE job = (SELECT num FROM jobs WHERE id = ?1) ORDER BY rowid);
