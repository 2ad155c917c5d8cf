DELETE FROM items
WHERE (user, seq) IN (
    SELECT t.user, t.seq
    FROM json_each(?1) AS cut
    CROSS JOIN items AS t ON t.user = cut.value ->> 0 AND t.seq <= cut.value ->> 1
)
RETURNING notification;
