INSERT INTO periods (name, first_day, last_day, open) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name) DO UPDATE SET first_day = excluded.first_day, last_day = excluded.last_day, open = excluded.open
