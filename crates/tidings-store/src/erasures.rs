//! Whom erasures of late were about. A query that ran before an erasure may bring back what it
//! erased: a body that tells of someone is not frozen under a lease that was given before that one
//! was erased.

use std::collections::HashMap;

use tidings_core::{
    delivery::LeaseToken,
    ids::{ApplicationId, EntityId},
    time::{Elapsed, HOUR_MS},
};

/// No query that began under a lease ends so late.
const REMEMBERED_MS: u64 = HOUR_MS;
/// From so many on, old ones are forgotten.
const TIDIED_FROM: usize = 10_000;

/// Erasures of the last hour. A store that voids all leases when it is opened keeps them in memory.
#[derive(Clone, Debug, Default)]
pub struct LateErasures {
    by_entity: HashMap<(ApplicationId, EntityId), Erased>,
}

#[derive(Clone, Copy, Debug)]
struct Erased {
    last_lease: LeaseToken,
    at: Elapsed,
}

impl LateErasures {
    /// Notes an erasure. `last_lease` is the last one that was given before it: tokens grow.
    pub fn note(
        &mut self,
        application: ApplicationId,
        entities: &[EntityId],
        last_lease: LeaseToken,
        now: Elapsed,
    ) {
        if self.by_entity.len() >= TIDIED_FROM {
            self.by_entity.retain(|_, erased| now.since_ms(erased.at) < REMEMBERED_MS);
        }
        for entity in entities {
            let erased = Erased { last_lease, at: now };
            self.by_entity.insert((application, entity.clone()), erased);
        }
    }

    /// Whether a body that tells of these may not be frozen under this lease.
    #[must_use]
    pub fn forbid(
        &self,
        application: ApplicationId,
        subjects: &[EntityId],
        lease: LeaseToken,
    ) -> bool {
        let is_older = |subject: &EntityId| {
            let erased = self.by_entity.get(&(application, subject.clone()));
            erased.is_some_and(|erased| lease.0 <= erased.last_lease.0)
        };
        !self.by_entity.is_empty() && subjects.iter().any(is_older)
    }
}
