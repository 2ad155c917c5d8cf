-- Notification ?1 has expired for the users after ?2 and up to ?3.
UPDATE deliveries
SET state = 'skipped', reason = 'expired', digest = NULL, due_at = NULL, ended_at = ?4
WHERE num IN (
    SELECT num FROM deliveries
    WHERE notification = ?1 AND user > ?2 AND user <= ?3 AND lease_until IS NULL
        AND (state = 'waiting' OR digest IS NULL AND state IN ('queued', 'retrying'))
)
RETURNING num;
