-- The application's own tables. Times are milliseconds since the Unix epoch, UTC; dates are YYYY-MM-DD; money is in
-- hundredths.

CREATE TABLE accounts (
    code TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE periods (
    name      TEXT    NOT NULL PRIMARY KEY,
    first_day TEXT    NOT NULL,
    last_day  TEXT    NOT NULL,
    open      INTEGER NOT NULL CHECK (open IN (0, 1))
) STRICT, WITHOUT ROWID;

-- What was submitted. Rows never change, but for the job that uploads them.
CREATE TABLE transfers (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    owner       TEXT    NOT NULL,
    description TEXT    NOT NULL,
    period      TEXT    NOT NULL REFERENCES periods (name),
    date        TEXT    NOT NULL,
    currency    TEXT    NOT NULL,
    -- Names the transfer in Oracle; what a lost call is looked up by.
    reference   INTEGER NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL,
    job         TEXT    UNIQUE
) STRICT;

CREATE INDEX transfers_by_owner ON transfers (owner, id);

CREATE TABLE lines (
    transfer_id INTEGER NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    account     TEXT    NOT NULL REFERENCES accounts (code),
    side        TEXT    NOT NULL CHECK (side IN ('debit', 'credit')),
    cents       INTEGER NOT NULL CHECK (cents > 0),
    description TEXT    NOT NULL,
    PRIMARY KEY (transfer_id, position)
) STRICT, WITHOUT ROWID;

-- Forms and requests already carried out: a double click does nothing the second time.
CREATE TABLE submissions (
    owner       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    transfer_id INTEGER NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX submissions_by_age ON submissions (at);

-- Transfers that are stored and whose job is not yet known to be with Oyez (see src/relay.rs).
CREATE TABLE outbox (
    transfer_id INTEGER NOT NULL PRIMARY KEY REFERENCES transfers (id) ON DELETE CASCADE,
    refused     TEXT
) STRICT;

-- The zip as it is uploaded.
CREATE TABLE documents (
    transfer_id INTEGER NOT NULL PRIMARY KEY REFERENCES transfers (id) ON DELETE CASCADE,
    content     BLOB    NOT NULL
) STRICT;

-- Calls that Oracle must get once. The row is written before the call is made; `answer` is what it came to (a
-- document's id, a request's number). A row without `ended` is all that counts for its step; there is at most one.
CREATE TABLE calls (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    transfer_id INTEGER NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
    step        INTEGER NOT NULL CHECK (step BETWEEN 2 AND 5),
    intended_at INTEGER NOT NULL,
    answer      TEXT,
    -- For how many milliseconds the call was looked for in vain, over all attempts.
    missed_ms   INTEGER NOT NULL DEFAULT 0,
    -- done: the step is. failed: Oracle tried and could not. not_made: Oracle never got it.
    ended       TEXT CHECK (ended IN ('done', 'failed', 'not_made')),
    CHECK (answer IS NOT NULL OR ended IS NULL OR ended = 'not_made')
) STRICT;

CREATE UNIQUE INDEX calls_standing ON calls (transfer_id, step) WHERE ended IS NULL OR ended = 'done';

-- The story of an upload, for people: what was done, what came back, and Oracle's log of what failed.
CREATE TABLE entries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    transfer_id INTEGER NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
    step        INTEGER NOT NULL CHECK (step BETWEEN 1 AND 5),
    at          INTEGER NOT NULL,
    text        TEXT    NOT NULL,
    log         TEXT
) STRICT;

CREATE INDEX entries_by_transfer ON entries (transfer_id, id);
