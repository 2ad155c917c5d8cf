SELECT month, sum(came), sum(approved)
FROM (
    SELECT strftime('%Y-%m', submitted_at / 1000, 'unixepoch') AS month, 1 AS came, 0 AS approved
    FROM applications WHERE submitted_at >= ?1
    UNION ALL
    SELECT strftime('%Y-%m', decided_at / 1000, 'unixepoch'), 0, 1
    FROM applications WHERE status = 'APPROVED' AND decided_at >= ?1
)
GROUP BY month
ORDER BY month
