WHERE d.num IN (
    SELECT named.num FROM json_each(?1) AS asked CROSS JOIN deliveries AS named ON named.id = unhex(asked.value, '-')
);
