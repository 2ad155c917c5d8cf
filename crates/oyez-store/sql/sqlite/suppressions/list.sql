SELECT address, error, created_at FROM suppressions WHERE address > ?1 ORDER BY address LIMIT ?2 + 0;
