-- The board as it is now, its version among those of the past, and of these the last ?8: in one go, since each
-- statement on its own would cost a switch of threads.
INSERT INTO boards (name, version, created_at, updated_at, roles, refresh, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (name) DO UPDATE
SET version = excluded.version, created_at = excluded.created_at, updated_at = excluded.updated_at,
    roles = excluded.roles, refresh = excluded.refresh, state = excluded.state;

INSERT INTO board_versions (board, version, at, state)
SELECT num, version, updated_at, state FROM boards WHERE name = ?1;

DELETE FROM board_versions
WHERE board = (SELECT num FROM boards WHERE name = ?1) AND version <= ?2 - ?8;
