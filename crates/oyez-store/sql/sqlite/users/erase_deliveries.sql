DELETE FROM deliveries WHERE num IN (SELECT num FROM deliveries WHERE user = ?1 ORDER BY num LIMIT ?2 + 0);
