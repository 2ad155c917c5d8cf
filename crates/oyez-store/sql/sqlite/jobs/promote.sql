UPDATE jobs SET state = 'available' WHERE num IN (SELECT value FROM json_each(?1));
