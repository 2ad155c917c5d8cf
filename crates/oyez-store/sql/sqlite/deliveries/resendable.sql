-- The oldest ?3 in state ?1 by the media ?2 that can be sent again: a digest's message, not what it lists. What ended
-- after ?4 has perhaps just been sent again.
WHERE d.num IN (
    SELECT one.num
    FROM json_each(?2) AS of_medium
    CROSS JOIN deliveries AS one ON one.num IN (
        SELECT num FROM deliveries
        WHERE state = ?1 AND medium = of_medium.value AND (digest IS NULL OR notification IS NULL)
            AND ended_at <= ?4
        ORDER BY num LIMIT ?3 + 0
    )
    ORDER BY one.num LIMIT ?3 + 0
);
