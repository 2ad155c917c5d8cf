DELETE FROM suppressions WHERE address IN (SELECT value FROM json_each(?1));
