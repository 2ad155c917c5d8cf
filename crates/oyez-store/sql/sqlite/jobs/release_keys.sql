-- Jobs on their way into a state that their key covers, while another holds it: they give it up.
UPDATE jobs SET unique_key = NULL
FROM json_each(?1) AS entering
WHERE jobs.num = entering.value AND (
    EXISTS (SELECT 1 FROM jobs AS holder WHERE holder.unique_held = jobs.unique_key)
    OR EXISTS (
        SELECT 1 FROM json_each(?1) AS earlier CROSS JOIN jobs AS other ON other.num = earlier.value
        WHERE earlier.key < entering.key AND other.unique_key = jobs.unique_key
    )
);
