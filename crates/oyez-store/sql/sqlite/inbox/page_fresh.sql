SELECT i.placed + 1 + fresh.key, n.id, n.tail, NULL, NULL, NULL
FROM inboxes AS i
CROSS JOIN json_each('[' || substr(i.fresh, 2) || ']') AS fresh
CROSS JOIN notifications AS n ON n.num = fresh.value
WHERE i.user = (SELECT num FROM users WHERE id = ?1)
    AND i.placed + 1 + fresh.key < ?2 AND (?4 IS NULL OR n.kind = ?4)
UNION ALL
