SELECT count(*) FROM people WHERE role = 'supplier'
