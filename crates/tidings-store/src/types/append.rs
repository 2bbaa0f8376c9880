//! What an append is made of, and what it comes to.

use std::collections::HashMap;

use tidings_core::{
    access::Owner,
    event::{Event, IdempotencyKey},
    health::{EndpointHealth, endpoint_max},
    ids::{ApplicationId, EndpointId, EntityId, EventId},
    matching::Match,
    time::Elapsed,
};

use super::{
    command::{NewToken, Revocation},
    task::TaskChange,
    work::Claimed,
};

/// Events with their deliveries and the entities that changed: one commit.
#[derive(Clone, Debug)]
pub struct Append {
    /// The version of the catalog that the events were matched against.
    pub catalog_version: u64,
    /// The events, in the order of the request.
    pub events: Vec<NewEvent>,
    /// Entities of the built-in platform that changed.
    pub changes: Vec<EntityChange>,
    /// Entities that the changes count on.
    pub expected: Vec<EntityExpectation>,
    /// What nothing hangs on any more once the changes are made.
    pub emptied: Vec<Emptied>,
    /// What may not be told any more, from this commit on. The append's own events come after it,
    /// and are told.
    pub erasures: Vec<Erasure>,
    /// Tasks that are put, removed, kept or finished, one after the other.
    pub tasks: Vec<TaskChange>,
    /// Tokens that are revoked.
    pub revocations: Vec<Revocation>,
    /// Tokens that are to be. They come after the revocations, which do not touch them.
    pub tokens: Vec<NewToken>,
    /// Room for newborn deliveries; `None` leases none.
    pub room: Option<Room>,
}

/// People, accounts and other entities of an application that may not be told of any more. Every
/// delivery of the application whose event is about one of them, or whose frozen body tells of
/// one, is cancelled (`ConsentWithdrawn`) unless it is final, its lease is void, its body is
/// removed with what receivers answered to it, and it is never replayed. A body that tells of one
/// of them is frozen under no lease that was given before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Erasure {
    /// Whose.
    pub application: ApplicationId,
    /// Their ids.
    pub entities: Vec<EntityId>,
}

impl Append {
    /// Events alone, matched against this version of the catalog, with no room for what is born.
    #[must_use]
    pub fn of(catalog_version: u64, events: Vec<NewEvent>) -> Append {
        Append {
            catalog_version,
            events,
            changes: Vec::new(),
            expected: Vec::new(),
            emptied: Vec::new(),
            erasures: Vec::new(),
            tasks: Vec::new(),
            revocations: Vec::new(),
            tokens: Vec::new(),
            room: None,
        }
    }
}

/// An event that is to be.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event. Its id is used unless the idempotency key is known.
    pub event: Event,
    /// The webhooks that hear it.
    pub matches: Vec<Match>,
    /// The key under which it is remembered.
    pub idempotency: Option<Idempotency>,
}

/// A remembered request.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Idempotency {
    /// Whose key it is; keys of different owners never meet.
    pub owner: Owner,
    /// The key.
    pub key: IdempotencyKey,
    /// SHA-256 of what was asked for: the same key with another content is a conflict.
    pub content: [u8; 32],
}

/// A change of an entity. It is refused when the entity has another version than expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntityChange {
    /// Whose it is; `None`: the operator's, for all.
    pub application: Option<ApplicationId>,
    /// What it is: `EnergySwitch`.
    pub kind: String,
    /// Its id, unique within application and kind.
    pub id: String,
    /// The version that it must have now; `None`: it must not exist.
    pub expected_version: Option<u64>,
    /// Its fields, as JSON text.
    pub body: String,
    /// Whether it is gone: a tombstone that keeps the last body.
    pub deleted: bool,
    /// What it hangs on, replacing what it hung on before.
    pub links: Vec<Link>,
    /// When it is forgotten, without a tombstone, unless it is changed before; `None`: never. Only
    /// for what no list shows, since who reads on after a cursor is not told.
    pub forget_at: Option<Elapsed>,
}

/// An entity that an append counts on without changing it: it must be at this version before the
/// append's own changes, or the append is refused as for a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntityExpectation {
    /// Whose it is; `None`: the operator's, for all.
    pub application: Option<ApplicationId>,
    /// What it is.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The version that it must have now.
    pub version: u64,
}

/// Something that an append leaves with nothing of a kind hanging on it, but for tombstones: the
/// append is refused, as for a change, where one would be left that it did not know of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Emptied {
    /// Whose.
    pub application: Option<ApplicationId>,
    /// What does not hang on it any more.
    pub kind: String,
    /// What it would hang on.
    pub link: Link,
}

/// A link from an entity to one that it hangs on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Link {
    /// The role: `user`, `account`.
    pub role: String,
    /// The id of what it hangs on.
    pub id: String,
}

/// Where newborn deliveries may go at once.
#[derive(Clone, Debug)]
pub struct Room {
    /// How many.
    pub permits: usize,
    /// What of the worker's whole room is spare ([`tidings_core::health::spare`]). Each lease takes
    /// one of it: the fewer are left, the fewer go to one endpoint.
    pub spare: usize,
    /// What is on its way already, by endpoint.
    pub in_flight: HashMap<EndpointId, u32>,
    /// The end of their lease.
    pub lease_until: Elapsed,
}

impl Room {
    /// How many attempts may be on their way to one endpoint now, whatever its health allows.
    #[must_use]
    pub fn endpoint_max(&self) -> u32 {
        endpoint_max(self.spare)
    }

    /// Whether one more attempt at the endpoint may start, by its health and by this room.
    #[must_use]
    pub fn fits(&self, endpoint: EndpointId, health: &EndpointHealth, now: Elapsed) -> bool {
        let in_flight = self.in_flight.get(&endpoint).copied().unwrap_or(0);
        in_flight < self.endpoint_max() && health.room(now, in_flight) > 0
    }

    /// Counts a lease. It takes a permit where there is one.
    pub fn take(&mut self, endpoint: EndpointId) {
        self.permits = self.permits.saturating_sub(1);
        self.spare = self.spare.saturating_sub(1);
        *self.in_flight.entry(endpoint).or_insert(0) += 1;
    }
}

/// What an append came to.
#[derive(Clone, Debug)]
pub struct Appended {
    /// One for each event, in their order.
    pub events: Vec<AppendedEvent>,
    /// Newborn deliveries that were leased to the caller.
    pub newborn: Vec<Claimed>,
    /// Whether deliveries were made that are left to [`crate::Store::claim_due`].
    pub left: bool,
}

/// What became of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppendedEvent {
    /// Its id: the earlier one's, where it is a duplicate.
    pub id: EventId,
    /// How many deliveries it made.
    pub deliveries: usize,
    /// Whether the idempotency key was known.
    pub duplicate: bool,
}
