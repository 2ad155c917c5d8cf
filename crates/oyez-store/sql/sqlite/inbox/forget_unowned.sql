DELETE FROM notifications
WHERE num IN (SELECT value FROM json_each(?1))
    AND state NOT IN ('waiting', 'sending')
    AND NOT EXISTS (SELECT 1 FROM landings WHERE notification = num);
