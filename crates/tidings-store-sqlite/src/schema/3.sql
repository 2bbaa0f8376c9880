-- Version 3: durable work beside deliveries, and tokens of users.

-- At most one for each application, kind and key. Numbers are never used again, so that a worker
-- whose task was taken away can never mean another one.
CREATE TABLE task (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    application  INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    body         TEXT    NOT NULL, -- JSON
    due_at       INTEGER NOT NULL,
    next_at      INTEGER NOT NULL, -- due; leased: the lease's end
    token        INTEGER,          -- leased: the worker's right
    claims_count INTEGER NOT NULL, -- leases since the last progress
    UNIQUE (application, kind, key)
) STRICT;
-- The queue of a kind: each application's tasks by time.
CREATE INDEX task_open ON task (kind, application, next_at, key);
CREATE INDEX task_leased ON task (id) WHERE token IS NOT NULL;

-- 0 its owner's own, 1 a private master token, 2 a public one, 3 a user's. Users' tokens are
-- forgotten after their end; the setting `last_token` keeps their numbers from being used again.
ALTER TABLE token ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN user TEXT;
ALTER TABLE token ADD COLUMN grant_id TEXT;
ALTER TABLE token ADD COLUMN forget_at INTEGER;
CREATE INDEX token_by_user ON token (application, user) WHERE user IS NOT NULL;
CREATE INDEX token_by_grant ON token (application, grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX token_to_forget ON token (forget_at) WHERE forget_at IS NOT NULL;
