SELECT json_group_array(s.address) FROM json_each(?1) AS asked CROSS JOIN suppressions AS s ON s.address = asked.value;
