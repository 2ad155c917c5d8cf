SELECT num, substr(id, instr(substr(id, 2), char(1)) + 2) FROM users WHERE id < ' ' LIMIT 1;
