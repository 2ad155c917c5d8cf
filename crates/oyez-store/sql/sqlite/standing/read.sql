SELECT asked.key, coalesce(i.head, 0), coalesce(i.unread, 0), coalesce(i.unseen, 0), coalesce(i.kept_after, 0), u.disabled,
    (SELECT json_group_array(substr(source, 1, 1) || role) FROM user_roles WHERE user = u.num),
    (SELECT json_group_array(topic) FROM (SELECT topic FROM members WHERE user = u.num ORDER BY topic)),
    EXISTS (SELECT 1 FROM jobs WHERE user = u.num AND finalized_at IS NULL)
FROM json_each(?1) AS asked
CROSS JOIN users AS u ON u.id = asked.value
LEFT JOIN inboxes AS i ON i.user = u.num;
