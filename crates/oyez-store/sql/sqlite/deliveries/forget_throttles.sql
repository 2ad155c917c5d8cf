DELETE FROM throttles
WHERE (user, medium) IN (SELECT user, medium FROM throttles WHERE full_at <= ?1 ORDER BY full_at LIMIT ?2 + 0);
