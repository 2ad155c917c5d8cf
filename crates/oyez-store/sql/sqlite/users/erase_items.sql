DELETE FROM items
WHERE user = ?1 AND seq <= (SELECT max(seq) FROM (SELECT seq FROM items WHERE user = ?1 ORDER BY seq LIMIT ?2 + 0))
RETURNING notification;
