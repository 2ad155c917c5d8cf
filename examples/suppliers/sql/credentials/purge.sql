DELETE FROM credentials WHERE expires_at <= ?1
