UPDATE notifications SET state = 'sent', cursor = 0 WHERE num = ?1;
