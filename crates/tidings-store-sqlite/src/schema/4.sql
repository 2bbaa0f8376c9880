-- Version 4: entities that are forgotten at a moment, without a tombstone.

ALTER TABLE entity ADD COLUMN forget_at INTEGER;
CREATE INDEX entity_to_forget ON entity (forget_at) WHERE forget_at IS NOT NULL;
