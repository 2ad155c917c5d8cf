SELECT answer FROM calls WHERE step = ?1 AND intended_at >= ?2 AND answer IS NOT NULL
