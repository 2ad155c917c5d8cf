UPDATE digests
SET state = new.value ->> 1, due_at = coalesce(new.value ->> 2, due_at)
FROM json_each(?1) AS new
WHERE digests.id = unhex(new.value ->> 0, '-');
