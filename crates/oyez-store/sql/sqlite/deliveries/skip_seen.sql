-- User ?1 has seen the items of the notifications ?2.
UPDATE deliveries
SET state = 'skipped', reason = 'seen', digest = NULL, due_at = NULL, ended_at = ?3
WHERE num IN (
    SELECT d.num
    FROM json_each(?2) AS seen
    CROSS JOIN deliveries AS d ON d.notification = unhex(seen.value, '-') AND d.user = ?1
    WHERE d.timing <> 'at_once' AND d.lease_until IS NULL AND d.resends = 0
        AND (d.state = 'waiting' OR d.digest IS NULL AND d.state IN ('queued', 'retrying'))
)
RETURNING num;
