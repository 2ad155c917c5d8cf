-- Whose inbox, its counts, and whether it has fresh items.
SELECT u.num, i.unread, i.unseen, i.head, i.placed < i.head
FROM users AS u JOIN inboxes AS i ON i.user = u.num
WHERE u.id = ?1;
