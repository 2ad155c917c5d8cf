-- Some deliveries, and how the items stand that they tell of: what a digest's message tells is read later.
SELECT json_group_array(json_array(
