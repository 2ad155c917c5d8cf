INSERT INTO board_versions (board, version, at, state)
SELECT num, version, updated_at, state FROM boards WHERE name = ?1;
