-- Items of each user in ?1 go, up to a position.
UPDATE deliveries
SET state = 'skipped', reason = 'withdrawn', digest = NULL, due_at = NULL, ended_at = ?2
WHERE num IN (
    SELECT d.num
    FROM json_each(?1) AS cut
    CROSS JOIN placed_items AS t ON t.user = cut.value ->> 0 AND t.seq <= cut.value ->> 1
    CROSS JOIN notifications AS n ON n.num = t.notification
    CROSS JOIN deliveries AS d ON d.notification = n.id AND d.user = t.user
    WHERE d.lease_until IS NULL
        AND (d.state = 'waiting' OR d.digest IS NULL AND d.state IN ('queued', 'retrying'))
)
RETURNING num;
