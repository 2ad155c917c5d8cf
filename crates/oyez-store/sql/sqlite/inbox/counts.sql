SELECT u.num, i.unread, i.unseen FROM users AS u JOIN inboxes AS i ON i.user = u.num WHERE u.id = ?1;
