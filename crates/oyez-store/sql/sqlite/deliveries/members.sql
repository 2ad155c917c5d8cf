-- What the digests ?1 collected.
WHERE d.num IN (
    SELECT member.num
    FROM json_each(?1) AS asked
    CROSS JOIN deliveries AS member ON member.digest = unhex(asked.value, '-') AND member.notification IS NOT NULL
);
