UPDATE tickets
SET status = ?2, opened_at = ?3, started_at = ?4, resolved_at = ?5, closed_at = ?6, rejection_comment = ?7
WHERE id = ?1
