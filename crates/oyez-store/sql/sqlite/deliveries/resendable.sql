-- The oldest ?3 in state ?1 by the media ?2 that can be sent again: a digest's message, not what it lists.
WHERE d.num IN (
    SELECT one.num
    FROM json_each(?2) AS of_medium
    CROSS JOIN deliveries AS one ON one.num IN (
        SELECT num FROM deliveries
        WHERE state = ?1 AND medium = of_medium.value AND (digest IS NULL OR notification IS NULL)
        ORDER BY num LIMIT ?3 + 0
    )
    ORDER BY one.num LIMIT ?3 + 0
);
