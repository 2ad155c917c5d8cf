SELECT application_id FROM people WHERE role = 'supplier' ORDER BY application_id
