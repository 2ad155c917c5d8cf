-- A digest stays as long as anything tells of it.
DELETE FROM digests
WHERE id IN (
    SELECT old.id
    FROM (VALUES ('sent'), ('failed'), ('dropped')) AS final
    CROSS JOIN digests AS old ON old.id IN (
        SELECT id FROM digests WHERE state = final.column1 AND due_at < ?1 ORDER BY due_at LIMIT ?2 + 0
    )
    WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE digest = old.id)
);
