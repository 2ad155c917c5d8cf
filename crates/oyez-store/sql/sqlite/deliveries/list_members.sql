-- Their digest has closed, and lists them.
UPDATE deliveries SET state = 'queued' WHERE num IN (SELECT value FROM json_each(?1));
