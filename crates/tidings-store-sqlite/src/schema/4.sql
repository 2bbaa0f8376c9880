-- Version 4: entities that are forgotten at a moment, without a tombstone; tasks that share the room
-- of a lane.

ALTER TABLE entity ADD COLUMN forget_at INTEGER;
CREATE INDEX entity_to_forget ON entity (forget_at) WHERE forget_at IS NOT NULL;

-- Empty: it needs no room, as those that were there before.
ALTER TABLE task ADD COLUMN lane TEXT NOT NULL DEFAULT '';
-- The queue of a kind: each application's tasks, those of a lane by time. A lane without room is
-- stepped over, however many wait in it.
DROP INDEX task_open;
CREATE INDEX task_open ON task (kind, application, lane, next_at, key);
-- When an application's next one becomes due, whatever its lane.
CREATE INDEX task_next ON task (kind, application, next_at);
