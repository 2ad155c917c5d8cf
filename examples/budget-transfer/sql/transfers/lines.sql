SELECT transfer_id, account, side, cents, description
FROM lines
WHERE transfer_id IN (SELECT value FROM json_each(?1))
ORDER BY transfer_id, position
