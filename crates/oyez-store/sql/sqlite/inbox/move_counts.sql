UPDATE inboxes SET unread = unread + ?2, unseen = unseen + ?3 WHERE user = ?1 RETURNING unread, unseen, head;
