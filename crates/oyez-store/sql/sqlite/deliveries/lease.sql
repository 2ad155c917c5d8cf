-- An attempt begins: number, attempt and the fingerprint of where it goes.
UPDATE deliveries
SET attempt = new.value ->> 1, lease_until = ?2, attempted_at = ?3, sent_to = new.value ->> 2
FROM json_each(?1) AS new
WHERE deliveries.num = new.value ->> 0;
