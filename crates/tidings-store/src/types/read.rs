//! What is read, and how it is asked for.

use std::sync::Arc;

use tidings_core::{
    delivery::Delivery,
    event::Event,
    health::EndpointHealth,
    ids::{ApplicationId, WebhookId},
    time::{Elapsed, Wall},
    trigger::TriggerName,
    webhook::Webhook,
};

use super::append::Link;

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
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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
