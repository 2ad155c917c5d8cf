UPDATE notifications SET state = 'expired' WHERE num IN (SELECT value FROM json_each(?1));
