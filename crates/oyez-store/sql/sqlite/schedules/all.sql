ORDER BY s.name;
