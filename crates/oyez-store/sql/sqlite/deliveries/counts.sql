SELECT medium, state, count(*) FROM deliveries GROUP BY state, medium;
