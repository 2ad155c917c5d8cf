-- One index each: jobs that ended are not looked at.
SELECT queue, kind, state, count(*), min(scheduled_at) FROM jobs WHERE state = 'available' GROUP BY queue, kind
UNION ALL
SELECT queue, kind, state, count(*), NULL FROM jobs WHERE state IN ('scheduled', 'retryable') GROUP BY queue, kind, state
UNION ALL
SELECT queue, kind, state, count(*), NULL FROM jobs WHERE state = 'running' GROUP BY queue, kind
ORDER BY 1, 2;
