AND t.archived_at IS NULL ORDER BY 1 DESC LIMIT ?3 + 0;
