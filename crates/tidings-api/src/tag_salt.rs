//! What the tags of this process's answers are mixed with.

use std::{fmt, sync::OnceLock};

use tidings_store::Chance;

/// Random in each process, drawn when it is first needed. An answer depends on the program, its
/// configuration and the database, and all three may be others after a restart: a newer build,
/// another public origin, a backup that was put back. So nobody is told after one that nothing
/// changed. It is secret too: a tag that is not ours is never taken for one.
#[derive(Default)]
pub(crate) struct TagSalt(OnceLock<[u8; 32]>);

impl TagSalt {
    pub(crate) fn bytes(&self, chance: &dyn Chance) -> &[u8] {
        self.0.get_or_init(|| {
            let mut bytes = [0; 32];
            chance.fill(&mut bytes);
            bytes
        })
    }
}

impl fmt::Debug for TagSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagSalt(…)")
    }
}
