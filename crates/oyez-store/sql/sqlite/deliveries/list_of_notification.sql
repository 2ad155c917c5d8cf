-- The newest ?7 of notification ?4 before delivery ?6.
WHERE d.num IN (
    SELECT num FROM deliveries
    WHERE notification = ?4
        AND (?3 IS NULL OR user = (SELECT num FROM users WHERE id = ?3))
        AND num < CASE WHEN ?6 IS NULL THEN 9223372036854775807 ELSE coalesce(
            (SELECT num FROM deliveries WHERE id = ?6), 0
        ) END
        AND state IN (SELECT value FROM json_each(?1)) AND medium IN (SELECT value FROM json_each(?2))
        AND (?5 IS NULL OR kind = ?5)
    ORDER BY num DESC LIMIT ?7 + 0
);
