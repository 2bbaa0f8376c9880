//! What the tags of this process's answers are mixed with.

use std::fmt;

use tidings_store::Chance;

/// Random at each start. An answer depends on the program, its configuration and the database, and
/// all three may be others after a restart: a newer build, another public origin, a backup that was
/// put back. So nobody is told after one that nothing changed. It is secret too: a tag that is not
/// ours is never taken for one.
pub(crate) struct TagSalt([u8; 32]);

impl TagSalt {
    pub(crate) fn from_chance(chance: &dyn Chance) -> TagSalt {
        let mut bytes = [0; 32];
        chance.fill(&mut bytes);
        TagSalt(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TagSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagSalt(…)")
    }
}
