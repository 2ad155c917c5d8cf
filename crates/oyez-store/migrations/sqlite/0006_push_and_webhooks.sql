-- Where browsers take push messages. One browser, one person: an address belongs to whoever subscribed last.
CREATE TABLE push_subscriptions (
    num INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user INTEGER NOT NULL REFERENCES users (num),
    endpoint TEXT NOT NULL UNIQUE,
    public_key BLOB NOT NULL CHECK (length(public_key) = 65),
    auth BLOB NOT NULL CHECK (length(auth) = 16),
    device TEXT,
    created_at INTEGER NOT NULL,
    sent_at INTEGER
) STRICT;
CREATE INDEX push_subscriptions_user ON push_subscriptions (user);

-- No secret is stored: each follows from a seed and the key file of the server, and `secret_check` tells whether it is
-- still the same. `old_seed` signs too until `old_until`.
CREATE TABLE webhooks (
    num INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    types TEXT,
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    disabled_reason TEXT,
    seed TEXT NOT NULL,
    secret_check BLOB NOT NULL CHECK (length(secret_check) = 32),
    old_seed TEXT,
    old_until INTEGER,
    failing_since INTEGER,
    last_error TEXT,
    delivered_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Which of a message's several receivers took it already, while others failed: the next attempt leaves them out.
CREATE TABLE taken_messages (
    message TEXT NOT NULL,
    receiver TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (message, receiver)
) STRICT, WITHOUT ROWID;
CREATE INDEX taken_messages_at ON taken_messages (at);
