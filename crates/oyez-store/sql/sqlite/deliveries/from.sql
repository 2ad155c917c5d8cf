)
FROM deliveries AS d
-- A user whose erasure is not finished has an id that sorts before the space.
CROSS JOIN users AS u ON u.num = d.user AND u.id > ' '
