//! What workers ask for, get and give back.

use std::sync::Arc;

use bytes::Bytes;
use tidings_core::{
    delivery::{Delivery, LeaseToken, Step},
    event::Event,
    ids::{DeliveryId, EntityId},
    outcome::Attempt,
    time::Elapsed,
    webhook::Webhook,
};

use super::append::Room;
use crate::error::LeaseLost;

/// What a worker asks for.
#[derive(Clone, Debug)]
pub struct Claim {
    /// How many deliveries, what is on its way, and until when.
    pub room: Room,
}

/// A delivery that a worker has, with all that it needs.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The worker's right.
    pub token: LeaseToken,
    /// The delivery, leased.
    pub delivery: Delivery,
    /// What happened.
    pub event: Arc<Event>,
    /// The standing order.
    pub webhook: Arc<Webhook>,
    /// The frozen body, where there is one.
    pub payload: Option<Bytes>,
    /// The end of the 72 hours; `None` until they have begun.
    pub deadline: Option<Elapsed>,
    /// Since when an open breaker has held back a delivery that was never tried: its 72 hours run
    /// since then.
    pub held_since: Option<Elapsed>,
}

/// What a claim came to.
#[derive(Clone, Debug, Default)]
pub struct ClaimedBatch {
    /// The deliveries.
    pub claimed: Vec<Claimed>,
    /// When the next one becomes due that was not; `None` when nothing waits, but for room. A hint:
    /// it may be early, and a commit may make it later. It has passed only where this commit could
    /// not exhaust all that was to be.
    pub next_at: Option<Elapsed>,
}

/// A body that is to be frozen on a delivery before its first byte leaves.
#[derive(Clone, Debug)]
pub struct Freeze {
    /// The worker's right.
    pub token: LeaseToken,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The body.
    pub payload: Bytes,
    /// The end of the 72 hours, counted from now; kept where one was set before.
    pub deadline: Elapsed,
    /// Whom the body tells of; `None` where it is the body that is there.
    pub subjects: Option<Vec<EntityId>>,
}

/// What a worker did with a delivery, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The worker's right.
    pub token: LeaseToken,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt, where one was made.
    pub attempt: Option<MadeAttempt>,
    /// What becomes of the delivery.
    pub step: Step,
    /// What the query showed of the source.
    pub source: Option<SourceSeen>,
}

/// An attempt, with the moment that the endpoint's health needs.
#[derive(Clone, Debug)]
pub struct MadeAttempt {
    /// What is recorded.
    pub attempt: Attempt,
    /// When it began.
    pub started_at: Elapsed,
}

/// What a query showed of its source.
#[derive(Clone, Debug)]
pub struct SourceSeen {
    /// When the query began.
    pub started_at: Elapsed,
    /// Whether it answered.
    pub answered: bool,
    /// How long it asked to be left alone.
    pub wait_ms: Option<u64>,
}

/// A lease that is to last longer.
#[derive(Clone, Copy, Debug)]
pub struct Extend {
    /// The worker's right.
    pub token: LeaseToken,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The new end.
    pub expires_at: Elapsed,
}

/// The answer to each item of a batch, in its order.
pub type PerItem = Vec<Result<(), LeaseLost>>;
