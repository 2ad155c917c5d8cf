-- No user id begins with a control character, so nobody finds the user from here on.
UPDATE users
SET id = char(1) || num || char(1) || id, name = NULL, email = NULL, locale = NULL, time_zone = NULL,
    password_hash = NULL, disabled = 1
WHERE num = ?1;
DELETE FROM user_roles WHERE user = ?1;
DELETE FROM members WHERE user = ?1;
DELETE FROM push_subscriptions WHERE user = ?1;
DELETE FROM tickets WHERE user = ?1;
DELETE FROM refresh_tokens WHERE session IN (SELECT id FROM sessions WHERE user = ?1);
DELETE FROM sessions WHERE user = ?1;
DELETE FROM jobs WHERE user = ?1 AND finalized_at IS NULL;
DELETE FROM deliveries WHERE user = ?1 AND ended_at IS NULL;
DELETE FROM digests WHERE user = ?1;
DELETE FROM preferences WHERE user = ?1;
DELETE FROM throttles WHERE user = ?1;
