AND t.archived_at IS NOT NULL ORDER BY t.seq DESC LIMIT ?3 + 0;
