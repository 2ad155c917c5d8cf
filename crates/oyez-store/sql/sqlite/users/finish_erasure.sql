DELETE FROM inboxes WHERE user = ?1;
DELETE FROM users WHERE num = ?1;
