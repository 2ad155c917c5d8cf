UPDATE OR REPLACE suppressions SET address = new.value ->> 1 FROM json_each(?1) AS new
WHERE suppressions.address = new.value ->> 0;
