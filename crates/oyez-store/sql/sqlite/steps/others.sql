-- How many steps a job has beside the named one, and the bytes of their results.
SELECT count(*), coalesce(sum(octet_length(result)), 0) FROM job_steps
WHERE job = (SELECT num FROM jobs WHERE id = ?1) AND name <> ?2;
