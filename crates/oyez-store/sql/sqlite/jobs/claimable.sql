-- The first ?3 of queue ?1, of the kinds ?2 or of all: of each kind that waits its own first ones, so that work nobody
-- asks for is not walked through.
WHERE j.num IN (
    WITH RECURSIVE waiting (kind) AS (
        SELECT min(kind) FROM jobs WHERE state = 'available' AND queue = ?1
        UNION ALL
        SELECT (SELECT min(kind) FROM jobs WHERE state = 'available' AND queue = ?1 AND kind > waiting.kind)
        FROM waiting WHERE waiting.kind IS NOT NULL
    )
    SELECT of_kind.num
    FROM waiting
    CROSS JOIN jobs AS of_kind ON of_kind.num IN (
        SELECT num FROM jobs
        WHERE state = 'available' AND queue = ?1 AND kind = waiting.kind
        ORDER BY priority, scheduled_at, num LIMIT ?3 + 0
    )
    WHERE ?2 IS NULL OR waiting.kind IN (SELECT value FROM json_each(?2))
    ORDER BY of_kind.priority, of_kind.scheduled_at, of_kind.num LIMIT ?3 + 0
);
