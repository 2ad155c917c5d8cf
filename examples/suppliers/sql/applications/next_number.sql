INSERT INTO tracking_numbers (year, last) VALUES (?1, 1)
ON CONFLICT (year) DO UPDATE SET last = last + 1
RETURNING last
