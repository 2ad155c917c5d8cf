-- Those of the time before there was a key begin with a hexadecimal digit.
SELECT address FROM suppressions WHERE address < 'g';
