WHERE j.num IN (
    SELECT num FROM jobs WHERE state = 'running' AND lease_until <= ?1 ORDER BY lease_until LIMIT ?2 + 0
);
