SELECT asked.key, j.id FROM json_each(?1) AS asked CROSS JOIN jobs AS j ON j.unique_held = asked.value;
