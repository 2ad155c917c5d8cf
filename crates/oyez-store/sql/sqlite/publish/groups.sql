-- Members of each group, but not many more than ?2, as one JSON array of number, id and head: a row for each would
-- cost a switch of threads each.
SELECT key, json_group_array(json_array(num, id, head))
FROM (
    SELECT a.key AS key, u.num AS num, u.id AS id, coalesce(i.head, 0) AS head
    FROM json_each(?1) AS a
    CROSS JOIN user_roles AS r ON a.value ->> 0 = 'role' AND r.role = a.value ->> 1
        AND r.user <= coalesce(
            (SELECT user FROM user_roles WHERE role = a.value ->> 1 ORDER BY user LIMIT 1 OFFSET ?2 + 0),
            9223372036854775807
        )
    CROSS JOIN users AS u ON u.num = r.user
    LEFT JOIN inboxes AS i ON i.user = u.num
    UNION ALL
    SELECT a.key AS key, u.num AS num, u.id AS id, coalesce(i.head, 0) AS head
    FROM json_each(?1) AS a
    CROSS JOIN members AS m ON a.value ->> 0 = 'topic' AND m.topic = a.value ->> 1
        AND m.user <= coalesce(
            (SELECT user FROM members WHERE topic = a.value ->> 1 ORDER BY user LIMIT 1 OFFSET ?2 + 0),
            9223372036854775807
        )
    CROSS JOIN users AS u ON u.num = m.user
    LEFT JOIN inboxes AS i ON i.user = u.num
    UNION ALL
    SELECT * FROM (
        SELECT a.key AS key, u.num AS num, u.id AS id, coalesce(i.head, 0) AS head
        FROM json_each(?1) AS a
        CROSS JOIN users AS u ON a.value ->> 0 = 'everyone' AND u.disabled = 0
        LEFT JOIN inboxes AS i ON i.user = u.num
        LIMIT ?2 + 1
    )
)
GROUP BY key;
