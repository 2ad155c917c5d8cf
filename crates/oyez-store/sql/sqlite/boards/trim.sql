DELETE FROM board_versions
WHERE board = (SELECT num FROM boards WHERE name = ?1) AND version <= (SELECT version FROM boards WHERE name = ?1) - ?2;
