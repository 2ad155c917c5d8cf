SELECT id, intended_at, answer, ended = 'done' AS done
FROM calls
WHERE transfer_id = ?1 AND step = ?2 AND (ended IS NULL OR ended = 'done')
