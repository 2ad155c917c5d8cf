SELECT user, kept_after, head - kept_after - ?1 FROM inboxes WHERE head - kept_after > ?1 LIMIT ?2 + 0;
