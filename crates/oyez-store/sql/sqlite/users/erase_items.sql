DELETE FROM landings
WHERE (notification, user) IN (
    SELECT notification, user FROM placed_items WHERE user = ?1 ORDER BY seq LIMIT ?2 + 0
);

DELETE FROM placed_items
WHERE user = ?1
    AND seq <= (SELECT max(seq) FROM (SELECT seq FROM placed_items WHERE user = ?1 ORDER BY seq LIMIT ?2 + 0))
RETURNING notification;
