SELECT asked.key, i.fingerprint, i.job
FROM jsonb_each(?1) AS asked
CROSS JOIN idempotency AS i
    ON i.scope = asked.value ->> 0 AND i.key = asked.value ->> 1 AND i.created_at > asked.value ->> 2;
