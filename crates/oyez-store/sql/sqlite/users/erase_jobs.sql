DELETE FROM jobs WHERE num IN (SELECT num FROM jobs WHERE user = ?1 ORDER BY num LIMIT ?2 + 0);
