SELECT address, error, created_at FROM suppressions WHERE address = ?1;
