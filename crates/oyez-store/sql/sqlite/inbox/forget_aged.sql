DELETE FROM notifications
WHERE num IN (
    SELECT num FROM notifications
    WHERE lands_at < ?1 AND state NOT IN ('waiting', 'sending') ORDER BY lands_at LIMIT ?2 + 0
)
AND NOT EXISTS (SELECT 1 FROM landings WHERE notification = num);
