-- Version 1. Times named `…_at` are milliseconds: of the wall clock where a comment says so, else
-- of elapsed time. Numbers (application, webhook, endpoint, token, notice) are never used again,
-- since rows are marked and not removed.

-- Single values of the installation, as JSON.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- --- the catalog ---

CREATE TABLE application (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL,
    deleted INTEGER NOT NULL,
    body    TEXT    NOT NULL -- the whole application as JSON
) STRICT;
CREATE UNIQUE INDEX application_by_name ON application (name) WHERE deleted = 0;

CREATE TABLE token (
    id              INTEGER PRIMARY KEY,
    hash            BLOB    NOT NULL UNIQUE,
    application     INTEGER,          -- none: the operator's
    scopes          TEXT    NOT NULL, -- JSON
    added_at        INTEGER NOT NULL, -- wall
    expires_wall    INTEGER,
    expires_elapsed INTEGER,
    revoked_at      INTEGER           -- wall
) STRICT;
CREATE INDEX token_by_application ON token (application);

CREATE TABLE endpoint (
    id          INTEGER PRIMARY KEY,
    application INTEGER NOT NULL,
    url         TEXT    NOT NULL,
    health      TEXT    NOT NULL, -- JSON
    UNIQUE (application, url)
) STRICT;

CREATE TABLE webhook (
    id      INTEGER PRIMARY KEY,
    deleted INTEGER NOT NULL, -- 0; 1 with its application; 2 alone
    body    TEXT    NOT NULL  -- the whole webhook as JSON, its secrets sealed
) STRICT;

CREATE TABLE source_health (
    source TEXT NOT NULL PRIMARY KEY,
    health TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- --- what happened, and the duty to tell it ---

-- Keyed by a UUID that grows with time: new rows go to the end of the tree.
CREATE TABLE event (
    id          BLOB    NOT NULL PRIMARY KEY,
    application INTEGER,          -- none: every application's
    trigger     TEXT    NOT NULL,
    entity      TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    variables   TEXT,             -- JSON; none: empty
    date        INTEGER NOT NULL, -- wall
    test        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_application ON event (application, id);
CREATE INDEX event_by_entity ON event (entity, id);

-- Keyed by event, webhook and ordinal: all deliveries of an event, and all replays of a delivery,
-- lie side by side.
CREATE TABLE delivery (
    id             BLOB    NOT NULL PRIMARY KEY,
    application    INTEGER NOT NULL,
    webhook        INTEGER NOT NULL,
    trigger        TEXT    NOT NULL,
    -- 0 pending, 1 leased, 2 delivered, 3 suppressed, 4 exhausted, 5 cancelled
    state          INTEGER NOT NULL,
    next_at        INTEGER,          -- pending: due; leased: the lease's end; final: none
    token          INTEGER,          -- leased: the worker's right
    endpoint       INTEGER,          -- leased: where it is sent under that lease
    reason_code    TEXT,
    reason_detail  TEXT,
    attempts_count INTEGER NOT NULL,
    claims_count   INTEGER NOT NULL, -- leases since the last record
    deadline       INTEGER,          -- on the webhook's running clock
    waiting_since  INTEGER,
    waiting_count  INTEGER NOT NULL,
    waiting_code   TEXT,
    payload        INTEGER,          -- the row of its frozen body
    payload_bytes  INTEGER,
    test           INTEGER NOT NULL,
    added_at       INTEGER NOT NULL, -- wall
    finished_at    INTEGER           -- wall
) STRICT, WITHOUT ROWID;

-- The queue: what is open, by webhook and time. A claim reads nothing else.
CREATE INDEX delivery_open ON delivery (webhook, next_at, id, state) WHERE state < 2;
-- Two more views of the queue that hold nothing on the happy path, where a body is frozen and sent
-- under one lease: retries by their deadline (for the end of the 72 hours behind an open breaker),
-- and what can be sent while its source is down.
CREATE INDEX delivery_deadline ON delivery (webhook, deadline)
    WHERE state = 0 AND deadline IS NOT NULL;
CREATE INDEX delivery_frozen ON delivery (webhook, next_at, id)
    WHERE state = 0 AND payload IS NOT NULL;
-- Lists for people, newest first. The first two are written once for each delivery and never
-- changed.
CREATE INDEX delivery_by_webhook ON delivery (webhook, id);
CREATE INDEX delivery_by_application ON delivery (application, id);
CREATE INDEX delivery_exhausted ON delivery (application, id) WHERE state = 4;

-- Frozen bodies: rows are put at the end and hardly ever touched again.
CREATE TABLE payload (
    id   INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE attempt (
    delivery         BLOB    NOT NULL,
    number           INTEGER NOT NULL,
    started_at       INTEGER NOT NULL, -- wall
    duration_ms      INTEGER NOT NULL,
    outcome          TEXT    NOT NULL, -- JSON
    status           INTEGER,
    error            TEXT,
    request_headers  TEXT    NOT NULL, -- JSON
    response_headers TEXT    NOT NULL, -- JSON
    response_body    BLOB    NOT NULL,
    truncated        INTEGER NOT NULL,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- In the order of time, so that forgetting begins at the front and needs no index.
CREATE TABLE idempotency (
    id               INTEGER PRIMARY KEY,
    owner            INTEGER NOT NULL, -- an application; 0: the operator
    key              TEXT    NOT NULL,
    content          BLOB    NOT NULL,
    event            BLOB    NOT NULL,
    deliveries_count INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    UNIQUE (owner, key)
) STRICT;

CREATE TABLE notice (
    id            INTEGER PRIMARY KEY,
    application   INTEGER NOT NULL,
    webhook       INTEGER NOT NULL,
    kind          INTEGER NOT NULL, -- 0 disabled, 1 held, 2 exhausted
    text          TEXT    NOT NULL,
    count         INTEGER NOT NULL,
    first_at      INTEGER NOT NULL, -- wall
    last_at       INTEGER NOT NULL, -- wall
    first_elapsed INTEGER NOT NULL
) STRICT;
CREATE INDEX notice_by_webhook ON notice (webhook, kind);
CREATE INDEX notice_by_application ON notice (application);

-- --- the built-in platform ---

-- Keyed by the place in the order of all commits: a change moves the row to the end.
CREATE TABLE entity (
    position    INTEGER PRIMARY KEY,
    application INTEGER NOT NULL, -- 0: the operator's
    kind        TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL, -- wall
    -- The latest `updated_at` so far: grows with the position, also when the wall clock does not.
    reached_at  INTEGER NOT NULL,
    deleted     INTEGER NOT NULL,
    body        TEXT    NOT NULL,
    UNIQUE (application, kind, id)
) STRICT;
CREATE INDEX entity_by_position ON entity (application, kind, position);
CREATE INDEX entity_by_id ON entity (kind, id, application);
CREATE INDEX entity_by_time ON entity (reached_at);

CREATE TABLE entity_link (
    application INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (application, kind, role, target, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX entity_link_by_position ON entity_link (position);
