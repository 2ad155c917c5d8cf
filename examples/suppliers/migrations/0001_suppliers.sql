-- The application's own tables. Times are milliseconds since the Unix epoch, UTC.

CREATE TABLE applications (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    tracking_code       TEXT    NOT NULL UNIQUE,
    company_name        TEXT    NOT NULL,
    registration_number TEXT    NOT NULL,
    country             TEXT    NOT NULL,
    category            TEXT    NOT NULL,
    contact_name        TEXT    NOT NULL,
    email               TEXT    NOT NULL COLLATE NOCASE,
    phone               TEXT    NOT NULL,
    website             TEXT    NOT NULL,
    description         TEXT    NOT NULL,
    status              TEXT    NOT NULL CHECK (status IN ('PENDING_REVIEW', 'UNDER_REVIEW', 'DOCUMENTS_REQUESTED',
                                                           'APPROVED', 'REJECTED')),
    submitted_at        INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    decided_at          INTEGER,
    -- What was asked for last: a JSON array of document kinds, and the words that went with it.
    requested           TEXT    NOT NULL DEFAULT '[]',
    request_note        TEXT,
    rejection_reason    TEXT,
    -- What the search looks in, in small letters.
    search              TEXT    NOT NULL
) STRICT;

CREATE INDEX applications_by_status ON applications (status, id);
CREATE INDEX applications_by_time ON applications (submitted_at);

-- The last number given out in each year. Taken in the transaction that writes the application: one that fails leaves
-- no gap, and two at once wait for each other.
CREATE TABLE tracking_numbers (
    year INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;

CREATE TABLE people (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    email          TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    name           TEXT    NOT NULL,
    role           TEXT    NOT NULL CHECK (role IN ('admin', 'reviewer', 'supplier')),
    -- None until its owner has set one.
    password_hash  TEXT,
    -- A supplier's own application.
    application_id INTEGER UNIQUE REFERENCES applications (id),
    created_at     INTEGER NOT NULL,
    CHECK ((role = 'supplier') = (application_id IS NOT NULL))
) STRICT;

-- A temporary password: opens one login, within its time, and that login can only set a real one.
CREATE TABLE credentials (
    person_id  INTEGER NOT NULL PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE,
    hash       BLOB    NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;

-- A browser's login. Only a hash of the cookie is kept; `csrf` proves that a form came from one of our pages.
CREATE TABLE sessions (
    token_hash BLOB    NOT NULL PRIMARY KEY,
    person_id  INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    csrf       TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A browser that may look at one application: it gave the tracking code and the address that belong together.
CREATE TABLE visits (
    token_hash     BLOB    NOT NULL PRIMARY KEY,
    application_id INTEGER NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    csrf           TEXT    NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id INTEGER NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    kind           TEXT    NOT NULL,
    -- As people read it; made safe. The file on disk is named by `file`, which nobody outside chooses.
    name           TEXT    NOT NULL,
    file           TEXT    NOT NULL UNIQUE,
    media_type     TEXT    NOT NULL,
    bytes          INTEGER NOT NULL,
    uploaded_at    INTEGER NOT NULL,
    verified_at    INTEGER,
    verified_by    INTEGER REFERENCES people (id)
) STRICT;

CREATE INDEX documents_by_application ON documents (application_id, id);

-- What happened to an application, in one timeline. Without a person, the applicant did it.
CREATE TABLE entries (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id INTEGER NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    person_id      INTEGER REFERENCES people (id),
    kind           TEXT    NOT NULL,
    body           TEXT    NOT NULL,
    at             INTEGER NOT NULL
) STRICT;

CREATE INDEX entries_by_application ON entries (application_id, id);

-- Work on many applications or suppliers at once, done by a job.
CREATE TABLE bulks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL CHECK (kind IN ('approve', 'announce')),
    title       TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    -- A JSON array: applications to approve, or suppliers (by application) to tell.
    targets     TEXT    NOT NULL,
    created_by  INTEGER NOT NULL REFERENCES people (id),
    created_at  INTEGER NOT NULL,
    done        INTEGER NOT NULL DEFAULT 0,
    -- A JSON array of {tracking_code, reason}.
    left_out    TEXT    NOT NULL DEFAULT '[]',
    finished_at INTEGER
) STRICT;

-- Forms and requests already carried out: a double click does nothing the second time.
CREATE TABLE submissions (
    caller      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    touched     INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX submissions_by_age ON submissions (at);

-- What a committed change promised and Oyez was not told yet (see src/relay.rs).
CREATE TABLE outbox (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    -- 0: somebody waits for it; 1: part of work on many.
    lane           INTEGER NOT NULL CHECK (lane IN (0, 1)),
    application_id INTEGER,
    key            TEXT    NOT NULL UNIQUE,
    errand         TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    refused        TEXT
) STRICT;

CREATE INDEX outbox_in_order ON outbox (lane, id) WHERE refused IS NULL;
