DELETE FROM visits WHERE expires_at <= ?1
