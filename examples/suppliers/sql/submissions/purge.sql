DELETE FROM submissions WHERE at <= ?1
