-- A board that was deleted leaves its version behind, so that one made again under its name goes on counting.
CREATE TABLE boards (
    num INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL CHECK (version > 0),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    roles TEXT,
    refresh TEXT,
    state TEXT
) STRICT;
CREATE INDEX boards_refresh ON boards (name) WHERE refresh IS NOT NULL AND state IS NOT NULL;

-- The last versions of each board that there is, the present one included.
CREATE TABLE board_versions (
    board INTEGER NOT NULL REFERENCES boards (num) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (board, version)
) STRICT;
