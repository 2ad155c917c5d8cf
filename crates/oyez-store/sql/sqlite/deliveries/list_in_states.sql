-- The newest ?7 before delivery ?6 in the states ?1 by the media ?2: of each pair its own newest, then of all.
WHERE d.num IN (
    SELECT one.num
    FROM json_each(?1) AS of_state
    CROSS JOIN json_each(?2) AS of_medium
    CROSS JOIN deliveries AS one ON one.num IN (
        SELECT num FROM deliveries
        WHERE state = of_state.value AND medium = of_medium.value
            AND num < CASE WHEN ?6 IS NULL THEN 9223372036854775807 ELSE coalesce(
                (SELECT num FROM deliveries WHERE id = ?6), 0
            ) END
            AND (?5 IS NULL OR kind = ?5)
        ORDER BY num DESC LIMIT ?7 + 0
    )
    ORDER BY one.num DESC LIMIT ?7 + 0
);
