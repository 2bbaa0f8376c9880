//! Where the latest changes of entities stand, kept while none is on its way: who polls and finds
//! nothing new costs no read of the database.
//!
//! A change is on its way from before its job is sent until after its commit was made or undone.
//! In between the database alone knows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidings_core::ids::ApplicationId;

/// Applications whose position is kept.
const KEPT_MAX: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    on_their_way: usize,
    /// Grows with every change, so that what was read before one is not kept after it.
    generation: u64,
    positions: HashMap<Option<ApplicationId>, u64>,
}

/// A change that is on its way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Changing(Arc<Positions>);

/// What is known without reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Known {
    Position(u64),
    /// Read it; the number tells whether something changed in the meantime.
    Nothing {
        generation: u64,
    },
}

impl Positions {
    /// Notes that a change is about to be sent to the writer. Goes with the change's job, which may
    /// outlive the one who asked for it.
    pub(crate) fn changing(self: &Arc<Positions>) -> Changing {
        let mut kept = self.kept();
        kept.on_their_way += 1;
        kept.generation += 1;
        kept.positions.clear();
        Changing(Arc::clone(self))
    }

    pub(crate) fn get(&self, application: Option<ApplicationId>) -> Known {
        let kept = self.kept();
        match kept.positions.get(&application) {
            Some(position) => Known::Position(*position),
            None => Known::Nothing { generation: kept.generation },
        }
    }

    pub(crate) fn keep(&self, application: Option<ApplicationId>, position: u64, generation: u64) {
        let mut kept = self.kept();
        if kept.on_their_way > 0 || kept.generation != generation {
            return;
        }
        if kept.positions.len() >= KEPT_MAX {
            kept.positions.clear();
        }
        kept.positions.insert(application, position);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        let mut kept = self.0.kept();
        kept.on_their_way -= 1;
        kept.generation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(positions: &Positions) -> u64 {
        match positions.get(None) {
            Known::Nothing { generation } => generation,
            Known::Position(position) => panic!("{position} was kept"),
        }
    }

    #[test]
    fn what_was_read_while_nothing_changed_is_known() {
        let positions = Arc::new(Positions::default());
        drop(positions.changing());
        positions.keep(None, 7, generation(&positions));
        assert_eq!(positions.get(None), Known::Position(7));
        assert_ne!(positions.get(Some(ApplicationId(1))), Known::Position(7));
    }

    #[test]
    fn what_was_read_beside_a_change_is_not_kept_whenever_it_began_or_ended() {
        let positions = Arc::new(Positions::default());
        let before = generation(&positions);
        let changing = positions.changing();
        positions.keep(None, 7, before);
        let during = generation(&positions);
        positions.keep(None, 7, during);
        let other = positions.changing();
        drop(changing);
        positions.keep(None, 7, generation(&positions));
        drop(other);
        positions.keep(None, 7, during);
        positions.keep(None, 8, generation(&positions));
        assert_eq!(positions.get(None), Known::Position(8));
        let _changing = positions.changing();
        generation(&positions);
    }
}
