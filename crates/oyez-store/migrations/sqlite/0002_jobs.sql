-- A create of a job remembers the job, as a publish remembers its notification.
ALTER TABLE idempotency ADD COLUMN job BLOB;

-- Long texts come last, so that what is asked often is read without them; no `backoff` or `messages` mean the usual ones.
-- `attempt` is the fence: it only grows.
-- `unique_held` is the key while the state is one that it covers; the bits are those of the states in their order.
CREATE TABLE jobs (
    num INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    queue TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('available', 'scheduled', 'running', 'retryable', 'completed', 'cancelled', 'discarded')
    ),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
    scheduled_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    given_back INTEGER NOT NULL DEFAULT 0 CHECK (given_back BETWEEN 0 AND attempt),
    max_attempts INTEGER NOT NULL,
    timeout_ms INTEGER,
    user INTEGER,
    created_at INTEGER NOT NULL,
    attempted_at INTEGER,
    lease_until INTEGER,
    worker TEXT,
    cancel_requested_at INTEGER,
    finalized_at INTEGER,
    unique_key TEXT,
    unique_states INTEGER NOT NULL DEFAULT 0,
    schedule TEXT,
    planned_at INTEGER,
    track INTEGER NOT NULL DEFAULT 0 CHECK (track IN (0, 1)),
    notify INTEGER NOT NULL,
    backoff TEXT,
    messages TEXT,
    progress TEXT,
    error TEXT,
    data TEXT NOT NULL,
    result TEXT,
    args TEXT NOT NULL,
    unique_held TEXT GENERATED ALWAYS AS (
        CASE WHEN unique_key IS NOT NULL AND unique_states & CASE state
            WHEN 'available' THEN 1 WHEN 'scheduled' THEN 2 WHEN 'running' THEN 4 WHEN 'retryable' THEN 8
            WHEN 'completed' THEN 16 WHEN 'cancelled' THEN 32 ELSE 64
        END THEN unique_key END
    ) VIRTUAL,
    CHECK ((finalized_at IS NOT NULL) = (state IN ('completed', 'cancelled', 'discarded')))
) STRICT;
-- The kind stands before the priority: work whose worker is away does not stand in the way of other work.
CREATE INDEX jobs_fetch ON jobs (queue, kind, priority, scheduled_at, num) WHERE state = 'available';
CREATE INDEX jobs_due ON jobs (scheduled_at) WHERE state IN ('scheduled', 'retryable');
CREATE INDEX jobs_running ON jobs (queue, track, lease_until) WHERE state = 'running';
CREATE INDEX jobs_final ON jobs (finalized_at) WHERE finalized_at IS NOT NULL;
CREATE INDEX jobs_failed ON jobs (state, num) WHERE state IN ('retryable', 'cancelled', 'discarded');
CREATE INDEX jobs_user ON jobs (user, num) WHERE user IS NOT NULL;
CREATE INDEX jobs_user_unfinished ON jobs (user, num) WHERE user IS NOT NULL AND finalized_at IS NULL;
CREATE INDEX jobs_schedule ON jobs (schedule) WHERE schedule IS NOT NULL AND finalized_at IS NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_held) WHERE unique_held IS NOT NULL;

-- Written when an attempt has ended; the one that runs is in `jobs`.
CREATE TABLE job_attempts (
    job INTEGER NOT NULL REFERENCES jobs (num) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    worker TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (job, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_steps (
    job INTEGER NOT NULL REFERENCES jobs (num) ON DELETE CASCADE,
    name TEXT NOT NULL,
    number INTEGER,
    total INTEGER,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('processing', 'completed', 'failed')),
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    result TEXT,
    PRIMARY KEY (job, name)
) STRICT;

-- A queue that nobody has set anything for has no row. `used` jobs were claimed since `window_start`.
CREATE TABLE queues (
    name TEXT PRIMARY KEY,
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    concurrency INTEGER,
    rate_count INTEGER,
    rate_period_ms INTEGER,
    window_start INTEGER NOT NULL DEFAULT 0,
    used INTEGER NOT NULL DEFAULT 0,
    CHECK ((rate_count IS NULL) = (rate_period_ms IS NULL))
) STRICT, WITHOUT ROWID;

-- Planned times up to and including `planned_until` were fired or left out; `last_planned_at` is the last one fired.
CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    job TEXT NOT NULL,
    misfire TEXT NOT NULL CHECK (misfire IN ('skip', 'once', 'all')),
    misfire_window_ms INTEGER,
    misfire_max INTEGER,
    overlap TEXT NOT NULL CHECK (overlap IN ('skip', 'queue', 'allow')),
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    built_in INTEGER NOT NULL DEFAULT 0 CHECK (built_in IN (0, 1)),
    next_at INTEGER,
    planned_until INTEGER NOT NULL,
    last_planned_at INTEGER,
    last_job BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((misfire = 'all') = (misfire_window_ms IS NOT NULL AND misfire_max IS NOT NULL))
) STRICT;
CREATE INDEX schedules_next ON schedules (next_at) WHERE next_at IS NOT NULL AND paused = 0;

-- Who may do what only one node at a time may do.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
