-- Which media the publisher named, as a JSON array; NULL: as the policy has it.
ALTER TABLE notifications ADD COLUMN media TEXT;

-- `notification` is the id: a delivery outlives what it tells of, whose number may be given again. A digest's message
-- tells of none. `attempt` is the fence: it only grows. `sent_to` is the fingerprint of the address an attempt went to.
CREATE TABLE deliveries (
    num INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user INTEGER NOT NULL,
    medium TEXT NOT NULL CHECK (medium IN ('email', 'web_push', 'webhook')),
    notification BLOB CHECK (length(notification) = 16),
    kind TEXT,
    timing TEXT NOT NULL CHECK (timing IN ('at_once', 'if_unseen', 'digest')),
    state TEXT NOT NULL CHECK (
        state IN ('waiting', 'queued', 'retrying', 'sent', 'delivered', 'failed', 'bounced', 'skipped')
    ),
    reason TEXT,
    digest BLOB CHECK (length(digest) = 16),
    attempt INTEGER NOT NULL DEFAULT 0,
    given_back INTEGER NOT NULL DEFAULT 0 CHECK (given_back BETWEEN 0 AND attempt),
    resends INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    attempted_at INTEGER,
    sent_at INTEGER,
    ended_at INTEGER,
    sent_to TEXT,
    error TEXT,
    CHECK ((notification IS NULL) = (kind IS NULL)),
    CHECK (notification IS NOT NULL OR digest IS NOT NULL),
    CHECK ((reason IS NOT NULL) = (state = 'skipped')),
    CHECK ((ended_at IS NOT NULL) = (state NOT IN ('waiting', 'queued', 'retrying')))
) STRICT;
-- What is due and what a worker lost stand in one line: a lease counts as the time to look again.
CREATE INDEX deliveries_due ON deliveries (medium, coalesce(lease_until, due_at)) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_notification ON deliveries (notification, user) WHERE notification IS NOT NULL;
CREATE INDEX deliveries_user ON deliveries (user, num);
CREATE INDEX deliveries_digest ON deliveries (digest) WHERE digest IS NOT NULL;
CREATE INDEX deliveries_state ON deliveries (state, medium, num);
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- Written when an attempt has ended; the one that is made now is in `deliveries`.
CREATE TABLE delivery_attempts (
    delivery INTEGER NOT NULL REFERENCES deliveries (num) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    answer TEXT,
    error TEXT,
    PRIMARY KEY (delivery, attempt)
) STRICT, WITHOUT ROWID;

-- Of one key, one digest at most is open.
CREATE TABLE digests (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    user INTEGER NOT NULL,
    medium TEXT NOT NULL CHECK (medium IN ('email', 'web_push', 'webhook')),
    key TEXT NOT NULL,
    start INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closing', 'sent', 'failed', 'dropped'))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX digests_open ON digests (user, medium, key) WHERE state = 'open';
CREATE INDEX digests_key ON digests (user, medium, key, start);
CREATE INDEX digests_due ON digests (state, due_at);

-- What users chose, as they asked for it.
CREATE TABLE preferences (
    user INTEGER PRIMARY KEY REFERENCES users (num),
    request TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Tokens are spent up to `full_at`, in microseconds; a bucket that is full needs no row.
CREATE TABLE throttles (
    user INTEGER NOT NULL,
    medium TEXT NOT NULL,
    full_at INTEGER NOT NULL,
    PRIMARY KEY (user, medium)
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_full ON throttles (full_at);

-- Addresses that refused a delivery: a hash and the domain, not the address.
CREATE TABLE suppressions (
    address TEXT PRIMARY KEY,
    error TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
