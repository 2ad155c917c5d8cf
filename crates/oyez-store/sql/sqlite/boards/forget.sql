DELETE FROM board_versions WHERE board = (SELECT num FROM boards WHERE name = ?1);
