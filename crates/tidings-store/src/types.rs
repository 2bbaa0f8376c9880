//! What goes into the store and comes out of it.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use tidings_core::{
    access::{Owner, ScopeSet},
    application::{ApplicationSettings, Name},
    delivery::{Delivery, LeaseToken, Step},
    event::{Event, IdempotencyKey},
    health::{EndpointHealth, endpoint_max},
    ids::{ApplicationId, DeliveryId, EndpointId, EventId, NoticeId, WebhookId},
    matching::Match,
    outcome::Attempt,
    secret::TokenHash,
    time::{Elapsed, Now, Wall},
    trigger::TriggerName,
    webhook::Webhook,
};

pub use crate::error::LeaseLost;

// --- append ---

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
    /// Room for newborn deliveries; `None` leases none.
    pub room: Option<Room>,
}

impl Append {
    /// Events alone, matched against this version of the catalog, with no room for what is born.
    #[must_use]
    pub fn of(catalog_version: u64, events: Vec<NewEvent>) -> Append {
        Append { catalog_version, events, changes: Vec::new(), expected: Vec::new(), room: None }
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

// --- work ---

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

// --- people's commands ---

/// An application that is to be.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// Its name.
    pub name: Name,
    /// What it may do.
    pub scopes: ScopeSet,
    /// How long its tokens last.
    pub token_lifetime_s: Option<u32>,
    /// What else is known of it.
    pub settings: ApplicationSettings,
}

/// A token that is to be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The hash of its text.
    pub hash: TokenHash,
    /// Whose it is.
    pub owner: Owner,
    /// What it may do.
    pub scopes: ScopeSet,
    /// When it ends.
    pub expires: Option<Now>,
}

/// A message to an owner: the webhook was disabled, deliveries were exhausted. One of the same
/// webhook, kind and text within an hour (of elapsed time) after the first is counted on it, keeps
/// its id, and moves `last_at`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Its number; grows with time.
    pub id: NoticeId,
    /// Whose it is.
    pub application: ApplicationId,
    /// The webhook that it is about.
    pub webhook: WebhookId,
    /// What happened.
    pub kind: NoticeKind,
    /// The same, for people.
    pub text: String,
    /// How often it happened.
    pub count: u64,
    /// When it first happened.
    pub first_at: Wall,
    /// When it last happened.
    pub last_at: Wall,
}

/// What a notice is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NoticeKind {
    /// The receiver answered 410.
    WebhookDisabled,
    /// The query cannot run as things are.
    WebhookHeld,
    /// Deliveries were exhausted.
    DeliveryExhausted,
}

/// What a replay sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replay {
    /// What was frozen, where something was.
    Frozen,
    /// What the query gives now.
    Fresh,
}

// --- reads ---

/// A page: how many, and after which.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<C> {
    /// How many at most; 1 to [`tidings_core::limits::PAGE_MAX`].
    pub first: usize,
    /// The last one of the page before.
    pub after: Option<C>,
}

/// Items and whether there are more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paged<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether there are more behind them.
    pub has_next_page: bool,
}

/// Which webhooks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WebhookFilter {
    /// Of this application.
    pub application: Option<ApplicationId>,
    /// That listen to this trigger.
    pub trigger: Option<TriggerName>,
    /// In one of these statuses; empty: in any.
    pub statuses: Vec<WebhookStatus>,
}

/// A webhook's status without its reason.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WebhookStatus {
    /// It is sent.
    Active,
    /// Its owner paused it.
    Paused,
    /// Its query cannot run.
    Held,
    /// Its receiver answered 410.
    Disabled,
}

/// Which events.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventFilter {
    /// Of this application, or of every application's: an event for all is seen by all.
    pub application: Option<ApplicationId>,
    /// With this trigger.
    pub trigger: Option<TriggerName>,
    /// For this entity.
    pub entity: Option<String>,
    /// Fired then or later.
    pub from: Option<Wall>,
    /// Fired before.
    pub until: Option<Wall>,
}

/// Which deliveries.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliveryFilter {
    /// Of this application.
    pub application: Option<ApplicationId>,
    /// To this webhook.
    pub webhook: Option<WebhookId>,
    /// Heard under this trigger.
    pub trigger: Option<TriggerName>,
    /// For this entity.
    pub entity: Option<String>,
    /// In one of these states; empty: in any.
    pub states: Vec<ShownState>,
    /// Added then or later.
    pub from: Option<Wall>,
    /// Added before.
    pub until: Option<Wall>,
}

/// A delivery's state as it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ShownState {
    /// It waits for its turn.
    Pending,
    /// A worker has it.
    Leased,
    /// It waits behind a webhook that is paused, held or disabled.
    Held,
    /// The receiver has it.
    Delivered,
    /// Nothing was to be sent.
    Suppressed,
    /// It was tried for as long as it is to be tried.
    Exhausted,
    /// It is not wanted any more.
    Cancelled,
}

/// A delivery as people see it.
#[derive(Clone, PartialEq, Debug)]
pub struct DeliveryView {
    /// What is stored.
    pub delivery: Delivery,
    /// Its state, with `Held` where its webhook is blocked.
    pub shown: ShownState,
    /// Its event.
    pub event: Arc<Event>,
    /// Its webhook, also one that was deleted since.
    pub webhook: Arc<Webhook>,
    /// The end of its 72 hours, if its webhook's clock does not stop until then.
    pub deadline: Option<Elapsed>,
    /// It is due and an open breaker holds it back: when the next attempt at its endpoint may be.
    pub held_back_until: Option<Elapsed>,
    /// Bytes of its frozen body.
    pub payload_bytes: Option<usize>,
}

/// What waits for a webhook, and how its endpoint is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookBacklog {
    /// How its endpoint has answered.
    pub health: EndpointHealth,
    /// Deliveries that are not final; counted to 10,001 at most.
    pub waiting: u64,
    /// The least [`Delivery::next_at`] of them.
    pub oldest_due_at: Option<Elapsed>,
}

/// Counts for the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// The least [`Delivery::next_at`] that has passed, of webhooks that nothing blocks: active, no
    /// open breaker, source up.
    pub oldest_due_at: Option<Elapsed>,
    /// Deliveries that are not final; counted to 100,001 at most.
    pub waiting: u64,
    /// Webhooks that are not deleted.
    pub webhooks: u64,
    /// Bytes of the database, where that is known.
    pub bytes: Option<u64>,
}

/// An entity as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entity {
    /// Whose it is.
    pub application: Option<ApplicationId>,
    /// What it is.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Grows with every change.
    pub version: u64,
    /// Its place in the order of all commits of entities: grows, is never used twice.
    pub position: u64,
    /// When it was last changed.
    pub updated_at: Wall,
    /// Whether it is gone; the body is then its last.
    pub deleted: bool,
    /// Its fields, as JSON text.
    pub body: String,
}

/// Which entities: in the order of their last commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntityQuery {
    /// Whose.
    pub application: Option<ApplicationId>,
    /// What they are.
    pub kind: String,
    /// What they hang on.
    pub link: Option<Link>,
    /// Changed then or later.
    pub updated_since: Option<Wall>,
    /// Whether tombstones are among them.
    pub deleted_too: bool,
    /// How many, after which position.
    pub page: Page<u64>,
}

/// Which entities hang on each of several: of each target a page of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkedQuery {
    /// Whose.
    pub application: Option<ApplicationId>,
    /// What they are.
    pub kind: String,
    /// The role of what they hang on.
    pub role: String,
    /// The ids of what they hang on: [`tidings_core::limits::PAGE_MAX`] at most, the rest is left
    /// out.
    pub targets: Vec<String>,
    /// Whether tombstones are among them.
    pub deleted_too: bool,
    /// How many for each target, after which position.
    pub page: Page<u64>,
}
