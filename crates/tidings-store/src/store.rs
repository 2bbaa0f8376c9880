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
        Append, Appended, Claim, ClaimedBatch, DeliveryFilter, DeliveryView, Entity, EntityQuery,
        EventFilter, Extend, Freeze, NewApplication, NewToken, Notice, Page, Paged, PerItem,
        Record, Replay, Stats, WebhookBacklog, WebhookFilter,
    },
};

/// A durable store. Every verb is one transaction: when it returns `Ok`, all of it is on disk; when it returns an error other
/// than [`StoreError::Unknown`], nothing of it happened. `now` is passed in and used as it is.
#[async_trait]
pub trait Store: Send + Sync {
    // --- the installation ---

    /// The last mark of the clock, to go on from.
    async fn clock_mark(&self) -> Result<Option<ClockMark>, StoreError>;

    /// Keeps a mark of the clock.
    async fn keep_clock_mark(&self, mark: ClockMark) -> Result<(), StoreError>;

    /// The id of the key that secrets are sealed with. The first call keeps `key_id` and returns it; later ones return what
    /// was kept, so that a wrong key is noticed at the start.
    async fn keep_key_id(&self, key_id: &str) -> Result<String, StoreError>;

    /// Counts for health, metrics and `doctor`.
    async fn stats(&self, now: Now) -> Result<Stats, StoreError>;

    /// Forgets what nobody can ask for any more (idempotency keys after 7 days), a bounded number at a time. Returns how many;
    /// call again while that is not 0.
    async fn forget_expired(&self, now: Now) -> Result<u64, StoreError>;

    // --- the catalog ---

    /// All webhooks and applications as they stand. Cheap while nothing changed.
    async fn catalog(&self) -> Result<Arc<Catalog>, StoreError>;

    /// Adds an application. `Taken` when the name is.
    async fn add_application(
        &self,
        now: Now,
        new: NewApplication,
    ) -> Result<Application, WriteError>;

    /// Changes an application's scopes, lifetime and settings. Its id, name and dates are the stored ones.
    async fn update_application(
        &self,
        now: Now,
        application: Application,
    ) -> Result<Application, WriteError>;

    /// Deletes an application: its webhooks go, its tokens are revoked, its deliveries are cancelled (`ApplicationDeleted`),
    /// those beyond the first thousand by [`Store::cancel_orphans`]. No claim gives them out once this returned.
    async fn delete_application(
        &self,
        now: Now,
        id: ApplicationId,
    ) -> Result<Application, WriteError>;

    /// Adds a token. `Taken` when the hash is.
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

    /// Adds a webhook. The store sets `id`, `endpoint`, `version` and the dates, and returns it so. `Full` when a trigger has
    /// [`tidings_core::limits::WEBHOOKS_PER_TRIGGER_MAX`] listeners.
    async fn add_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError>;

    /// Replaces a webhook that is at `webhook.version`, else `Stale`. The store sets `endpoint`, `version` and `updated_at`.
    async fn update_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError>;

    /// Deletes a webhook: deliveries that are not final are cancelled (`WebhookDeleted`), those beyond the first thousand by
    /// [`Store::cancel_orphans`]. No claim gives them out once this returned.
    async fn delete_webhook(&self, now: Now, id: WebhookId) -> Result<Webhook, WriteError>;

    /// Cancels deliveries of deleted webhooks, a thousand at a time. Returns how many; call again while that is not 0.
    async fn cancel_orphans(&self, now: Now) -> Result<u64, StoreError>;

    /// A webhook, also a deleted one.
    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>, StoreError>;

    /// Webhooks that are not deleted, in the order of their numbers.
    async fn webhooks(
        &self,
        filter: WebhookFilter,
        page: Page<WebhookId>,
    ) -> Result<Paged<Arc<Webhook>>, StoreError>;

    /// What waits for a webhook.
    async fn backlog(&self, now: Now, id: WebhookId) -> Result<WebhookBacklog, WriteError>;

    // --- ingest ---

    /// Writes events, one delivery for each match, and changed entities: all or nothing. An event whose idempotency key is
    /// known (within the append or from before, for 7 days) makes nothing and answers with the earlier id and count. Newborn
    /// deliveries are leased while `room` has permits, their webhook is active, and their endpoint and source have room; those
    /// of a test event always are.
    async fn append(&self, now: Now, append: Append) -> Result<Appended, AppendError>;

    // --- work ---

    /// Gives out deliveries that are due, or whose lease has expired: of active webhooks, whose source answers and whose
    /// endpoint has room ([`tidings_core::health`]), the longest due first within a webhook, one webhook after the other. Behind an open
    /// breaker one goes when its turn comes; one that is past its deadline goes at once, at most one a second, and the others
    /// past their deadline are exhausted (`EndpointDown`). A lease that expired [`tidings_core::limits::CLAIMS_WITHOUT_RESULT_MAX`]
    /// times in a row without a record exhausts the delivery (`Quarantined`).
    async fn claim_due(&self, now: Now, claim: Claim) -> Result<ClaimedBatch, StoreError>;

    /// Lengthens leases.
    async fn extend_leases(&self, now: Now, batch: Vec<Extend>) -> Result<PerItem, StoreError>;

    /// Makes bodies durable. The first freeze of a delivery sets its deadline; a later one (`payload: FRESH`) replaces the
    /// body and keeps the deadline.
    async fn freeze_payloads(&self, now: Now, batch: Vec<Freeze>) -> Result<PerItem, StoreError>;

    /// Writes attempts, moves their deliveries, and keeps what was learnt of endpoint and source; both or neither.
    /// `DisableWebhook` and `HoldWebhook` change the webhook and give its owner a notice, `Exhaust` gives a notice.
    async fn record(&self, now: Now, batch: Vec<Record>) -> Result<PerItem, StoreError>;

    // --- commands on deliveries ---

    /// Makes a replay: a new delivery of the same event to the same webhook with the next ordinal. While an earlier replay of
    /// the same original is not final, that one is returned instead.
    async fn replay(
        &self,
        now: Now,
        id: DeliveryId,
        mode: Replay,
    ) -> Result<DeliveryView, WriteError>;

    /// Replays all that match, newest first, to [`tidings_core::limits::REPLAY_MAX`]; those with a pending replay are left as they are. Returns how
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

    /// The entities with these ids, those that exist, also tombstones, in any order.
    async fn entities(
        &self,
        application: Option<ApplicationId>,
        kind: &str,
        ids: Vec<String>,
    ) -> Result<Vec<Entity>, StoreError>;

    /// A page of entities, in the order of their last commit.
    async fn entity_page(&self, query: EntityQuery) -> Result<Paged<Entity>, StoreError>;

    /// The applications that have an entity with this id.
    async fn entity_owners(&self, kind: &str, id: &str) -> Result<Vec<ApplicationId>, StoreError>;
}
