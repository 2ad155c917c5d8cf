-- The application's own tables. Times are milliseconds since the Unix epoch, UTC.

CREATE TABLE people (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    email         TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    name          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE person_roles (
    person_id INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    role      TEXT    NOT NULL CHECK (role IN ('admin', 'developer', 'client')),
    PRIMARY KEY (person_id, role)
) STRICT, WITHOUT ROWID;

-- A browser's login. Only a hash of the cookie is kept; `csrf` proves that a form came from one of our pages.
CREATE TABLE sessions (
    token_hash BLOB    NOT NULL PRIMARY KEY,
    person_id  INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    csrf       TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE project_members (
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    person_id  INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, person_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tickets (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id        INTEGER NOT NULL REFERENCES projects (id),
    title             TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    priority          TEXT    NOT NULL CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    category          TEXT    NOT NULL,
    status            TEXT    NOT NULL CHECK (status IN ('NEW', 'OPENED', 'IN_PROGRESS', 'RESOLVED', 'CLOSED')),
    created_by        INTEGER NOT NULL REFERENCES people (id),
    created_at        INTEGER NOT NULL,
    resolution_due_at INTEGER NOT NULL,
    opened_at         INTEGER,
    started_at        INTEGER,
    resolved_at       INTEGER,
    closed_at         INTEGER,
    rejection_comment TEXT,
    -- The topic that open pages of the ticket listen to; its name is a secret only they are told.
    watch_topic       TEXT    NOT NULL UNIQUE
) STRICT;

CREATE INDEX tickets_by_creator ON tickets (created_by);

CREATE TABLE ticket_developers (
    ticket_id INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    person_id INTEGER NOT NULL REFERENCES people (id),
    position  INTEGER NOT NULL,
    PRIMARY KEY (ticket_id, person_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tickets_by_developer ON ticket_developers (person_id);

-- What happened and what was said, in one timeline.
CREATE TABLE entries (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket_id INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    author_id INTEGER NOT NULL REFERENCES people (id),
    kind      TEXT    NOT NULL CHECK (kind IN ('created', 'opened', 'assigned', 'started', 'finished', 'approved',
                                               'rejected', 'commented')),
    body      TEXT    NOT NULL,
    at        INTEGER NOT NULL
) STRICT;

CREATE INDEX entries_by_ticket ON entries (ticket_id, id);

-- Forms and requests already carried out: a double click does nothing the second time.
CREATE TABLE submissions (
    person_id   INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    ticket_id   INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    PRIMARY KEY (person_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX submissions_by_age ON submissions (at);

-- Notifications promised by a committed change and not yet handed to Oyez (see src/outbox.rs).
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT    NOT NULL UNIQUE,
    request    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    refused    TEXT
) STRICT;
