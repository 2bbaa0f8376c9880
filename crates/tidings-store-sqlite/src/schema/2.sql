-- Version 2: what tells of a person can be erased.

-- Its body was erased, for good: it is not replayed either.
ALTER TABLE delivery ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;

-- Whom a frozen body tells of, beside the entity of its event: JSON, for replays of it.
ALTER TABLE payload ADD COLUMN subjects TEXT;

-- The same, to be found by: one range holds all deliveries that tell of a user or an account.
CREATE TABLE payload_subject (
    application INTEGER NOT NULL,
    subject     TEXT    NOT NULL,
    delivery    BLOB    NOT NULL,
    PRIMARY KEY (application, subject, delivery)
) STRICT, WITHOUT ROWID;
