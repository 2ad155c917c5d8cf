ORDER BY name;
