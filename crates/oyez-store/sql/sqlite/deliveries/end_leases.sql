-- Whoever held a lease is gone: it has run out at ?1.
UPDATE deliveries SET lease_until = ?1 WHERE due_at IS NOT NULL AND lease_until > ?1;
