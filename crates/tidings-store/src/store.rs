//! The contract of a store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tidings_core::{
    access::Token,
    application::Application,
    catalog::Catalog,
    delivery::Reason,
    event::Event,
    ids::{ApplicationId, DeliveryId, EventId, NoticeId, TokenId, WebhookId},
    outcome::Attempt,
    secret::TokenHash,
    time::{ClockMark, Now},
    webhook::Webhook,
};

use crate::{
    error::{AppendError, StoreError, WriteError},
    types::{
        Append, Appended, Claim, ClaimTasks, ClaimedBatch, DeliveryFilter, DeliveryView, Entity,
        EntityQuery, EventFilter, Extend, ExtendTask, Freeze, LinkedQuery, NewApplication,
        NewToken, Notice, Page, Paged, PerItem, PerTask, Record, Replay, Stats, Task, TaskBatch,
        WebhookBacklog, WebhookFilter,
    },
};

/// A durable store. Every verb is one transaction: when it returns `Ok`, all of it is on disk; when
/// it returns an error other than [`StoreError::Unknown`], nothing of it happened. `now` is passed
/// in and used as it is.
#[async_trait]
pub trait Store: Send + Sync {
    // --- the installation ---

    /// The last mark of the clock, to go on from.
    async fn clock_mark(&self) -> Result<Option<ClockMark>, StoreError>;

    /// Keeps a mark of the clock.
    async fn keep_clock_mark(&self, mark: ClockMark) -> Result<(), StoreError>;

    /// The id of the key that secrets are sealed with. The first call keeps `key_id` and returns
    /// it; later ones return what was kept, so that a wrong key is noticed at the start.
    async fn keep_key_id(&self, key_id: &str) -> Result<String, StoreError>;

    /// Counts for health, metrics and `doctor`.
    async fn stats(&self, now: Now) -> Result<Stats, StoreError>;

    /// Forgets what nobody can ask for any more, a bounded number of each at a time: idempotency
    /// keys after 7 days, users' tokens [`tidings_core::limits::USER_TOKEN_REMEMBERED_MS`] after
    /// they ended or were revoked (their numbers are never used again), entities at the moment that
    /// they were written with ([`crate::EntityChange::forget_at`]) unless nothing was changed after
    /// them (their positions are never used again). Returns how many; call again while that is not
    /// 0.
    async fn forget_expired(&self, now: Now) -> Result<u64, StoreError>;

    // --- the catalog ---

    /// All webhooks and applications as they stand. Cheap while nothing changed.
    async fn catalog(&self) -> Result<Arc<Catalog>, StoreError>;

    /// Adds an application. `Taken` when the name is, or when a profile's issuer and audience are
    /// ([`crate::rules::check_jwt_profiles`]).
    async fn add_application(
        &self,
        now: Now,
        new: NewApplication,
    ) -> Result<Application, WriteError>;

    /// Changes the scopes, lifetime and settings of an application that is at
    /// `application.version`, else `Stale`; `Taken` as for [`Store::add_application`]. Its id, name
    /// and dates are the stored ones, and its version the next.
    async fn update_application(
        &self,
        now: Now,
        application: Application,
    ) -> Result<Application, WriteError>;

    /// Deletes an application: its webhooks go, its tokens are revoked, its deliveries are
    /// cancelled (`ApplicationDeleted`), those beyond the first thousand by
    /// [`Store::cancel_orphans`], and so its tasks. No claim gives them out once this returned.
    async fn delete_application(
        &self,
        now: Now,
        id: ApplicationId,
    ) -> Result<Application, WriteError>;

    /// Adds a token. `Taken` when the hash is, `NotFound` when its application is not there.
    async fn add_token(&self, now: Now, new: NewToken) -> Result<Token, WriteError>;

    /// The token with this hash, also an expired or revoked one.
    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, StoreError>;

    /// Tokens, in the order of their numbers; `application` `None`: of all owners.
    async fn tokens(
        &self,
        application: Option<ApplicationId>,
        page: Page<TokenId>,
    ) -> Result<Paged<Token>, StoreError>;

    /// Revokes a token; again: the same. The token as it is then.
    async fn revoke_token(&self, now: Now, id: TokenId) -> Result<Token, WriteError>;

    /// A number that is another after each commit that revoked tokens, for who keeps tokens that it
    /// has read. It counts what this process revoked, and starts anew with it. Cheap.
    async fn revocations_count(&self) -> Result<u64, StoreError>;

    /// Adds a webhook. The store sets `id`, `endpoint`, `version` and the dates, and returns it so.
    /// `Full` when a trigger has [`tidings_core::limits::WEBHOOKS_PER_TRIGGER_MAX`] listeners.
    async fn add_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError>;

    /// Replaces a webhook that is at `webhook.version`, else `Stale`. The store sets `endpoint`,
    /// `version` and `updated_at`; the application and `added_at` are the stored ones.
    async fn update_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError>;

    /// Deletes a webhook: deliveries that are not final are cancelled (`WebhookDeleted`), those
    /// beyond the first thousand by [`Store::cancel_orphans`]. No claim gives them out once this
    /// returned.
    async fn delete_webhook(&self, now: Now, id: WebhookId) -> Result<Webhook, WriteError>;

    /// Cancels deliveries of deleted webhooks and takes away tasks of deleted applications, a
    /// thousand at a time. Returns how many; call again while that is not 0.
    async fn cancel_orphans(&self, now: Now) -> Result<u64, StoreError>;

    /// A webhook, also a deleted one.
    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>, StoreError>;

    /// Webhooks that are not deleted, in the order of their numbers.
    async fn webhooks(
        &self,
        filter: WebhookFilter,
        page: Page<WebhookId>,
    ) -> Result<Paged<Arc<Webhook>>, StoreError>;

    /// What waits for a webhook; `NotFound` for a deleted one.
    async fn backlog(&self, now: Now, id: WebhookId) -> Result<WebhookBacklog, WriteError>;

    // --- ingest ---

    /// Writes events, one delivery for each match, changed entities, tasks and tokens: all or
    /// nothing. A change or expectation of an entity that is at another version refuses it
    /// (`EntityConflict`); so does a task that is kept, given back or finished under a lease that
    /// is not its present one, after the changes before it in the append (`LeaseLost`), and a token
    /// whose hash is taken (`TokenTaken`) or whose application is not there (`StaleCatalog`). An
    /// event whose idempotency key is known (within the append or from before, for 7 days) makes
    /// nothing and answers with the earlier id and count. Newborn deliveries are leased while
    /// `room` has permits, their webhook is active and has nothing waiting that is due, their
    /// endpoint has room and no open breaker, and their source is not down: what waits longer goes
    /// first. Those of a test event always are, where there is a `room`, also without permits.
    async fn append(&self, now: Now, append: Append) -> Result<Appended, AppendError>;

    // --- work ---

    /// Gives out deliveries that are due, or whose lease has expired: of active webhooks, whose
    /// source answers and whose endpoint has room, by its health ([`tidings_core::health`]) and by
    /// the worker's ([`crate::Room::endpoint_max`]).
    ///
    /// - Order: one delivery of each webhook in turn, in the order of the webhooks' numbers,
    ///   beginning after the webhook that was served last (and at the front after the last one),
    ///   round after round until the permits are used up. A webhook that has none to give in a
    ///   round is out of the later ones. Within a webhook: by the time from which a delivery may be
    ///   taken ([`tidings_core::delivery::Delivery::next_at`]), then by its id.
    /// - A source that is down holds back only what needs its query
    ///   ([`crate::rules::needs_query`]); when its turn comes, one such delivery takes it.
    ///   What needs its query and has been due for [`tidings_core::limits::SOURCE_PATIENCE_MS`] of
    ///   it ([`crate::rules::given_up_until`]) is exhausted before anything is given out
    ///   (`SourceDown`), a bounded number at a time.
    /// - Behind an open breaker, when its turn comes, the delivery that is due first among all
    ///   active webhooks of the endpoint takes it. A webhook that does not get the turn gives a
    ///   delivery that is due and past its deadline ([`crate::rules::deadline`]) at once, at most
    ///   one a second for the endpoint; while that pace does not allow it, all those past their
    ///   deadline are exhausted (`EndpointDown`), a bounded number at a time. What waits for a
    ///   source that is down is not exhausted.
    /// - One whose lease expired [`tidings_core::limits::CLAIMS_WITHOUT_RESULT_MAX`] times in a row
    ///   without a record is exhausted (`Quarantined`) instead of being given out.
    /// - Each exhausted delivery gives its owner a notice, as in [`Store::record`].
    async fn claim_due(&self, now: Now, claim: Claim) -> Result<ClaimedBatch, StoreError>;

    /// Lengthens leases.
    async fn extend_leases(&self, now: Now, batch: Vec<Extend>) -> Result<PerItem, StoreError>;

    /// Makes bodies durable. The first freeze of a delivery sets its deadline; a later one
    /// (`payload: FRESH`) replaces the body and keeps the deadline. Either ends the wait for its
    /// query.
    async fn freeze_payloads(&self, now: Now, batch: Vec<Freeze>) -> Result<PerItem, StoreError>;

    /// Writes attempts, moves their deliveries, and keeps what was learnt of endpoint and source;
    /// both or neither. What an attempt showed is kept with the endpoint that the webhook had when
    /// the delivery was given out; without an attempt, a breaker's turn that the delivery had is
    /// given back. `DisableWebhook` and `HoldWebhook` change an active webhook (its
    /// version too) and give its owner a notice; one that is not active stays as it is. `Exhaust`
    /// gives a notice.
    async fn record(&self, now: Now, batch: Vec<Record>) -> Result<PerItem, StoreError>;

    // --- tasks ---

    /// Gives out tasks of a kind that are due, or whose lease has expired, of applications that are
    /// not deleted.
    ///
    /// Order: one task of each application in turn, in the order of the applications' numbers,
    /// beginning after the one that was served last for this kind (and at the front after the last
    /// one, or in a new process), round after round until the permits are used up. Within an
    /// application: by [`crate::Task::next_at`], then by the key.
    ///
    /// A task whose lane has [`ClaimTasks::lane_permits`] leases that last, whoever's they are and
    /// with those of this claim, is passed over; the empty lane always has room.
    async fn claim_tasks(&self, now: Now, claim: ClaimTasks) -> Result<TaskBatch, StoreError>;

    /// Lengthens leases on tasks. A lease that expired and that nobody took is still good.
    async fn extend_tasks(&self, now: Now, batch: Vec<ExtendTask>) -> Result<PerTask, StoreError>;

    /// A task.
    async fn task(
        &self,
        application: ApplicationId,
        kind: &str,
        key: &str,
    ) -> Result<Option<Task>, StoreError>;

    // --- commands on deliveries ---

    /// Makes a replay: a new delivery of the same event to the same webhook with the next ordinal,
    /// due at once. What was frozen on `id` is frozen on it under its own id
    /// ([`tidings_core::payload::readdress`]), unless `mode` is `Fresh`. While an earlier replay of
    /// the same original is not final, that one is returned instead. `NotFound` when there is no
    /// such delivery or its webhook was deleted, `Erased` when it was ([`crate::Erasure`]).
    async fn replay(
        &self,
        now: Now,
        id: DeliveryId,
        mode: Replay,
    ) -> Result<DeliveryView, WriteError>;

    /// Replays all that match, newest first, to [`tidings_core::limits::REPLAY_MAX`]; those with a
    /// pending replay, those of deleted webhooks, and erased ones are left as they are. Returns how
    /// many replays were made.
    async fn replay_all(
        &self,
        now: Now,
        filter: DeliveryFilter,
        mode: Replay,
    ) -> Result<u64, WriteError>;

    /// Cancels a delivery that is not final; a final one is returned as it is.
    async fn cancel_delivery(
        &self,
        now: Now,
        id: DeliveryId,
        why: Reason,
    ) -> Result<DeliveryView, WriteError>;

    // --- reads ---

    /// An event.
    async fn event(&self, id: EventId) -> Result<Option<Arc<Event>>, StoreError>;

    /// Events, newest first.
    async fn events(
        &self,
        filter: EventFilter,
        page: Page<EventId>,
    ) -> Result<Paged<Arc<Event>>, StoreError>;

    /// A delivery.
    async fn delivery(&self, now: Now, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError>;

    /// Deliveries, newest first (by id).
    async fn deliveries(
        &self,
        now: Now,
        filter: DeliveryFilter,
        page: Page<DeliveryId>,
    ) -> Result<Paged<DeliveryView>, StoreError>;

    /// All deliveries of an event, also replays, in the order of their ids; 10,000 at most.
    async fn deliveries_of(
        &self,
        now: Now,
        event: EventId,
    ) -> Result<Vec<DeliveryView>, StoreError>;

    /// The frozen body.
    async fn payload(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError>;

    /// The attempts, in their order.
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>, StoreError>;

    /// Notices, newest first; `application` `None`: of all.
    async fn notices(
        &self,
        application: Option<ApplicationId>,
        page: Page<NoticeId>,
    ) -> Result<Paged<Notice>, StoreError>;

    // --- the built-in platform's entities ---

    /// The entities with these ids that exactly this owner has (`None`: the operator), also
    /// tombstones, in any order.
    async fn entities(
        &self,
        application: Option<ApplicationId>,
        kind: &str,
        ids: Vec<String>,
    ) -> Result<Vec<Entity>, StoreError>;

    /// A page of entities, in the order of their last commit.
    async fn entity_page(&self, query: EntityQuery) -> Result<Paged<Entity>, StoreError>;

    /// The entities that hang on each of the targets: for each, in the order of `targets`, a page
    /// in the order of their last commit. All pages are of one moment.
    async fn linked_entities(&self, query: LinkedQuery) -> Result<Vec<Paged<Entity>>, StoreError>;

    /// The applications that have an entity with this id, also as a tombstone, in the order of
    /// their numbers.
    async fn entity_owners(&self, kind: &str, id: &str) -> Result<Vec<ApplicationId>, StoreError>;

    /// The position of the latest change of an entity that this application's queries can show: of
    /// its own ones, and of those that belong to the operator and are shown to everyone; `None`:
    /// of any. 0 where there is none. While it stays the same, so does what those queries read.
    /// Cheap while nothing changes.
    async fn entity_position(&self, application: Option<ApplicationId>) -> Result<u64, StoreError>;
}
