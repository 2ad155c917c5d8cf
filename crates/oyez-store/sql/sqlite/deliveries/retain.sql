DELETE FROM deliveries
WHERE num IN (SELECT num FROM deliveries WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2 + 0);
