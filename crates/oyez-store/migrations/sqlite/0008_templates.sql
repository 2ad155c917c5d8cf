-- What messages are made from, as applications stored them. An empty locale: for everybody who has no closer one.
CREATE TABLE templates (
    kind TEXT NOT NULL,
    medium TEXT NOT NULL,
    locale TEXT NOT NULL,
    subject TEXT,
    text TEXT,
    html TEXT,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (kind, medium, locale)
) STRICT, WITHOUT ROWID;
