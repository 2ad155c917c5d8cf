-- From now on its age counts.
UPDATE notifications SET state = 'cancelled', lands_at = ?2 WHERE id = ?1 AND state = 'waiting';
