-- Users after ?2 and up to ?3 of the audience ?4 get notification ?1.
INSERT INTO items (user, seq, notification)
SELECT to_all.user, coalesce(i.head, 0) + 1, ?1
FROM (
    SELECT r.user FROM json_each(?4) AS a
    CROSS JOIN user_roles AS r
        ON a.value ->> 0 = 'role' AND r.role = a.value ->> 1 AND r.user > ?2 AND r.user <= ?3
    UNION
    SELECT m.user FROM json_each(?4) AS a
    CROSS JOIN members AS m
        ON a.value ->> 0 = 'topic' AND m.topic = a.value ->> 1 AND m.user > ?2 AND m.user <= ?3
    UNION
    SELECT u.num FROM json_each(?4) AS a
    CROSS JOIN users AS u
        ON a.value ->> 0 = 'user' AND u.id = a.value ->> 1 AND u.num > ?2 AND u.num <= ?3
    UNION
    SELECT u.num FROM users AS u
    WHERE u.num > ?2 AND u.num <= ?3 AND u.disabled = 0
        AND EXISTS (SELECT 1 FROM json_each(?4) AS a WHERE a.value ->> 0 = 'everyone')
) AS to_all
LEFT JOIN inboxes AS i ON i.user = to_all.user;

INSERT INTO inboxes (user, head, unread, unseen)
SELECT user, seq, 1, 1 FROM items WHERE notification = ?1 AND user > ?2 AND user <= ?3
ON CONFLICT (user) DO UPDATE
SET head = excluded.head, unread = unread + 1, unseen = unseen + 1;

UPDATE notifications
SET recipients = recipients + (
        SELECT count(*) FROM items WHERE notification = ?1 AND user > ?2 AND user <= ?3
    ),
    state = CASE WHEN ?3 >= last_user THEN 'sent' ELSE 'sending' END,
    cursor = CASE WHEN ?3 >= last_user THEN 0 ELSE ?3 END
WHERE num = ?1;

SELECT group_concat(t.seq || ' ' || t.user || ' ' || u.id, char(10))
FROM items AS t CROSS JOIN users AS u ON u.num = t.user
WHERE t.notification = ?1 AND t.user > ?2 AND t.user <= ?3;
