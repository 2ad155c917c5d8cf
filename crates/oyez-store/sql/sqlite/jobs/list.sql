-- The newest ?6 before job ?5. When that is gone by retention, its id tells where it was: ids sort by their time, but
-- for those that were made at the same moment.
WHERE j.num IN (
    SELECT num FROM jobs
    WHERE num < CASE WHEN ?5 IS NULL THEN 9223372036854775807 ELSE coalesce(
            (SELECT num FROM jobs WHERE id = ?5),
            (SELECT max(num) + 1 FROM (SELECT num FROM jobs WHERE id < ?5 ORDER BY id DESC LIMIT 100))
        ) END
        AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR queue = ?3)
    ORDER BY num DESC LIMIT ?6 + 0
);
