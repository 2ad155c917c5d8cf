DELETE FROM landings
WHERE (notification, user) IN (
    SELECT t.notification, t.user
    FROM json_each(?1) AS cut
    CROSS JOIN placed_items AS t ON t.user = cut.value ->> 0 AND t.seq <= cut.value ->> 1
);

DELETE FROM placed_items
WHERE (user, seq) IN (
    SELECT t.user, t.seq
    FROM json_each(?1) AS cut
    CROSS JOIN placed_items AS t ON t.user = cut.value ->> 0 AND t.seq <= cut.value ->> 1
)
RETURNING notification;
