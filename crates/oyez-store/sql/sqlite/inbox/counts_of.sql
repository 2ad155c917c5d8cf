SELECT u.id, i.unread, i.unseen, i.head
FROM json_each(?1) AS asked
CROSS JOIN inboxes AS i ON i.user = asked.value
CROSS JOIN users AS u ON u.num = i.user;
