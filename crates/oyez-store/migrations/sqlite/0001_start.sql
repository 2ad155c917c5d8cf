-- Times are milliseconds since 1970; ids of users are texts outside and numbers inside.

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL
) STRICT;

-- 'epoch' names this life of the database; a copy made by a backup has none until it is opened.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers are never given twice: the cursor of a large audience is a user's number.
CREATE TABLE users (
    num INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT,
    email TEXT,
    locale TEXT,
    time_zone TEXT,
    password_hash TEXT,
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX users_email ON users (lower(email)) WHERE email IS NOT NULL;

CREATE TABLE user_roles (
    role TEXT NOT NULL,
    user INTEGER NOT NULL REFERENCES users (num),
    source TEXT NOT NULL CHECK (source IN ('application', 'token')),
    PRIMARY KEY (role, user, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_roles_user ON user_roles (user);

CREATE TABLE members (
    topic TEXT NOT NULL,
    user INTEGER NOT NULL REFERENCES users (num),
    PRIMARY KEY (topic, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user);

-- While 'sending', users up to and including `cursor` have it, and none after `last_user` gets it.
-- Once 'sent', `cursor` says how far its expiry has come.
CREATE TABLE notifications (
    num INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    tail TEXT NOT NULL,
    audience TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'cancelled', 'expired')),
    created_at INTEGER NOT NULL,
    send_at INTEGER,
    expires_at INTEGER,
    lands_at INTEGER NOT NULL,
    group_key TEXT,
    recipients INTEGER NOT NULL DEFAULT 0,
    cursor INTEGER NOT NULL DEFAULT 0,
    last_user INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX notifications_lands ON notifications (lands_at);
CREATE INDEX notifications_waiting ON notifications (lands_at) WHERE state = 'waiting';
CREATE INDEX notifications_sending ON notifications (num) WHERE state = 'sending';
CREATE INDEX notifications_expiring ON notifications (expires_at)
    WHERE expires_at IS NOT NULL AND state = 'sent';
CREATE INDEX notifications_of_nobody ON notifications (created_at) WHERE recipients = 0;

-- Items up to and including `kept_after` are gone by retention; the others are there without a gap up to `head`.
CREATE TABLE inboxes (
    user INTEGER PRIMARY KEY,
    head INTEGER NOT NULL,
    unread INTEGER NOT NULL CHECK (unread >= 0),
    unseen INTEGER NOT NULL CHECK (unseen >= 0),
    kept_after INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE items (
    user INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    notification INTEGER NOT NULL,
    seen_at INTEGER,
    read_at INTEGER,
    archived_at INTEGER,
    PRIMARY KEY (user, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX items_notification ON items (notification, user);

-- A publish remembers its notification, any other create its answer.
CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    notification BLOB,
    response TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_created ON idempotency (created_at);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE sessions (
    id BLOB PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (num),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash BLOB PRIMARY KEY,
    session BLOB NOT NULL REFERENCES sessions (id),
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_session ON refresh_tokens (session);

CREATE TABLE tickets (
    hash BLOB PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (num),
    session BLOB,
    roles TEXT,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_user ON tickets (user);
CREATE INDEX tickets_expires ON tickets (expires_at);
