-- The newest ?7 before delivery ?6, of any state and medium.
WHERE d.num IN (
    SELECT num FROM deliveries
    WHERE num < CASE WHEN ?6 IS NULL THEN 9223372036854775807 ELSE coalesce(
            (SELECT num FROM deliveries WHERE id = ?6), 0
        ) END
        AND (?5 IS NULL OR kind = ?5)
    ORDER BY num DESC LIMIT ?7 + 0
);
