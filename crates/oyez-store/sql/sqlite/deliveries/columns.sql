json_array(
    d.num, hex(d.id), d.user, u.id, d.medium, CASE WHEN d.notification IS NOT NULL THEN hex(d.notification) END, d.kind,
    d.timing, d.state, d.reason, CASE WHEN d.digest IS NOT NULL THEN hex(d.digest) END, d.attempt, d.given_back,
    d.resends, d.due_at, d.lease_until, d.created_at, d.expires_at, d.attempted_at, d.sent_at, d.ended_at, d.sent_to,
    d.error
)
