-- All that is stored of some jobs, as one JSON array: a row for each would cost a switch of threads each.
-- A user whose erasure is not finished has an id that sorts before the space.
SELECT json_group_array(json_array(
    j.num, hex(j.id), j.kind, j.queue, j.state, j.priority, j.scheduled_at, j.attempt, j.given_back, j.max_attempts,
    j.timeout_ms, (SELECT id FROM users WHERE num = j.user AND id > ' '), j.created_at, j.attempted_at, j.lease_until,
    j.worker, j.cancel_requested_at, j.finalized_at, j.unique_key, j.unique_states, j.schedule, j.planned_at, j.track,
    j.notify, j.backoff, j.messages, j.progress, j.error, j.data, j.result, j.args
))
FROM jobs AS j
