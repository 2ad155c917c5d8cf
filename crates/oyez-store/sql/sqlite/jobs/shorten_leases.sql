-- Tracked work chose for itself how long it may be silent.
UPDATE jobs SET lease_until = ?1 + CASE track WHEN 1 THEN coalesce(timeout_ms, ?2) ELSE ?2 END
WHERE state = 'running' AND lease_until > ?1 + CASE track WHEN 1 THEN coalesce(timeout_ms, ?2) ELSE ?2 END;
