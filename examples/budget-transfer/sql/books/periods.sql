SELECT name, first_day, last_day, open FROM periods ORDER BY first_day DESC
