WHERE s.next_at IS NOT NULL AND s.paused = 0 AND s.next_at <= ?1
ORDER BY s.next_at, s.name;
