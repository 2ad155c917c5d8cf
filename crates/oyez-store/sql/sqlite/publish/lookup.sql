-- The last notification's number, the last user's, and of each known user the id, number and head as one JSON array:
-- a row for each would cost a switch of threads each.
SELECT
    (SELECT coalesce(max(num), 0) FROM notifications),
    (SELECT coalesce(max(num), 0) FROM users),
    (
        SELECT json_group_array(json_array(u.id, u.num, coalesce(i.head, 0)))
        FROM json_each(?1) AS named
        CROSS JOIN users AS u ON u.id = named.value
        LEFT JOIN inboxes AS i ON i.user = u.num
    );
