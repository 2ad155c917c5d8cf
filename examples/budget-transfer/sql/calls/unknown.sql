SELECT id, step FROM calls WHERE transfer_id = ?1 AND ended IS NULL AND answer IS NULL
