UPDATE applications
SET status = ?2, updated_at = ?3, decided_at = ?4, requested = ?5, request_note = ?6, rejection_reason = ?7
WHERE id = ?1
