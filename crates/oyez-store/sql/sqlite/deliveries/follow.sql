-- What digests list becomes what their messages became.
UPDATE deliveries
SET state = new.value ->> 1, reason = new.value ->> 2, sent_at = new.value ->> 3, ended_at = new.value ->> 4,
    error = new.value ->> 5
FROM json_each(?1) AS new
WHERE deliveries.digest = unhex(new.value ->> 0, '-') AND deliveries.notification IS NOT NULL;
