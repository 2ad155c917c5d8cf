SELECT num FROM notifications WHERE state = 'waiting' AND lands_at <= ?1 ORDER BY lands_at, num LIMIT ?2 + 0;
