UPDATE notifications
SET audience = (
    SELECT json_group_array(json(a.value)) FROM json_each(audience) AS a
    WHERE NOT (a.value ->> 0 = 'user' AND a.value ->> 1 = ?1)
)
WHERE num IN (SELECT num FROM notifications WHERE state = 'waiting')
    AND EXISTS (SELECT 1 FROM json_each(audience) AS a WHERE a.value ->> 0 = 'user' AND a.value ->> 1 = ?1);
UPDATE schedules SET job = json_remove(job, '$.user') WHERE job ->> '$.user' = ?1;
