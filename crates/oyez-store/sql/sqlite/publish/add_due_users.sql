INSERT INTO users (id, created_at)
SELECT DISTINCT a.value ->> 1, ?2
FROM json_each(?1) AS due
CROSS JOIN notifications AS n ON n.num = due.value
CROSS JOIN json_each(n.audience) AS a
WHERE a.value ->> 0 = 'user'
ON CONFLICT (id) DO NOTHING;
