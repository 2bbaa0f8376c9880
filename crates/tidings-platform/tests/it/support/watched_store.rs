//! A store in memory whose reads of entities are counted, and which can be made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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

use tidings_store::{
    Append, AppendError, Appended, Claim, ClaimTasks, ClaimedBatch, DeliveryFilter, DeliveryView,
    Entity, EntityQuery, EventFilter, Extend, ExtendTask, Freeze, LinkedQuery, MemoryStore,
    NewApplication, NewToken, Notice, Page, Paged, PerItem, PerTask, Record, Replay, Stats, Store,
    StoreError, Task, TaskBatch, WebhookBacklog, WebhookFilter, WriteError,
};

/// Passes everything on.
#[derive(Debug, Default)]
pub struct WatchedStore {
    inner: MemoryStore,
    reads: AtomicUsize,
    appends: AtomicUsize,
    is_down: AtomicBool,
}

impl WatchedStore {
    /// Reads of entities since the last call.
    pub fn take_reads(&self) -> usize {
        self.reads.swap(0, Ordering::SeqCst)
    }

    /// Appends since the last call.
    pub fn take_appends(&self) -> usize {
        self.appends.swap(0, Ordering::SeqCst)
    }

    /// Lets reads of entities fail, or work again.
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn read(&self, operation: &'static str) -> Result<(), StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            let cause = "the disk is gone".to_owned();
            return Err(StoreError::Unavailable { operation, cause });
        }
        Ok(())
    }
}

#[async_trait]
impl Store for WatchedStore {
    async fn clock_mark(&self) -> Result<Option<ClockMark>, StoreError> {
        self.inner.clock_mark().await
    }

    async fn keep_clock_mark(&self, mark: ClockMark) -> Result<(), StoreError> {
        self.inner.keep_clock_mark(mark).await
    }

    async fn keep_key_id(&self, key_id: &str) -> Result<String, StoreError> {
        self.inner.keep_key_id(key_id).await
    }

    async fn stats(&self, now: Now) -> Result<Stats, StoreError> {
        self.inner.stats(now).await
    }

    async fn forget_expired(&self, now: Now) -> Result<u64, StoreError> {
        self.inner.forget_expired(now).await
    }

    async fn catalog(&self) -> Result<Arc<Catalog>, StoreError> {
        self.inner.catalog().await
    }

    async fn add_application(
        &self,
        now: Now,
        new: NewApplication,
    ) -> Result<Application, WriteError> {
        self.inner.add_application(now, new).await
    }

    async fn update_application(
        &self,
        now: Now,
        application: Application,
    ) -> Result<Application, WriteError> {
        self.inner.update_application(now, application).await
    }

    async fn delete_application(
        &self,
        now: Now,
        id: ApplicationId,
    ) -> Result<Application, WriteError> {
        self.inner.delete_application(now, id).await
    }

    async fn add_token(&self, now: Now, new: NewToken) -> Result<Token, WriteError> {
        self.inner.add_token(now, new).await
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, StoreError> {
        self.inner.token(hash).await
    }

    async fn tokens(
        &self,
        application: Option<ApplicationId>,
        page: Page<TokenId>,
    ) -> Result<Paged<Token>, StoreError> {
        self.inner.tokens(application, page).await
    }

    async fn revoke_token(&self, now: Now, id: TokenId) -> Result<Token, WriteError> {
        self.inner.revoke_token(now, id).await
    }

    async fn revocations_count(&self) -> Result<u64, StoreError> {
        self.inner.revocations_count().await
    }

    async fn claim_tasks(&self, now: Now, claim: ClaimTasks) -> Result<TaskBatch, StoreError> {
        self.inner.claim_tasks(now, claim).await
    }

    async fn extend_tasks(&self, now: Now, batch: Vec<ExtendTask>) -> Result<PerTask, StoreError> {
        self.inner.extend_tasks(now, batch).await
    }

    async fn task(
        &self,
        application: ApplicationId,
        kind: &str,
        key: &str,
    ) -> Result<Option<Task>, StoreError> {
        self.inner.task(application, kind, key).await
    }

    async fn add_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError> {
        self.inner.add_webhook(now, webhook).await
    }

    async fn update_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError> {
        self.inner.update_webhook(now, webhook).await
    }

    async fn delete_webhook(&self, now: Now, id: WebhookId) -> Result<Webhook, WriteError> {
        self.inner.delete_webhook(now, id).await
    }

    async fn cancel_orphans(&self, now: Now) -> Result<u64, StoreError> {
        self.inner.cancel_orphans(now).await
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>, StoreError> {
        self.inner.webhook(id).await
    }

    async fn webhooks(
        &self,
        filter: WebhookFilter,
        page: Page<WebhookId>,
    ) -> Result<Paged<Arc<Webhook>>, StoreError> {
        self.inner.webhooks(filter, page).await
    }

    async fn backlog(&self, now: Now, id: WebhookId) -> Result<WebhookBacklog, WriteError> {
        self.inner.backlog(now, id).await
    }

    async fn append(&self, now: Now, append: Append) -> Result<Appended, AppendError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.inner.append(now, append).await
    }

    async fn claim_due(&self, now: Now, claim: Claim) -> Result<ClaimedBatch, StoreError> {
        self.inner.claim_due(now, claim).await
    }

    async fn extend_leases(&self, now: Now, batch: Vec<Extend>) -> Result<PerItem, StoreError> {
        self.inner.extend_leases(now, batch).await
    }

    async fn freeze_payloads(&self, now: Now, batch: Vec<Freeze>) -> Result<PerItem, StoreError> {
        self.inner.freeze_payloads(now, batch).await
    }

    async fn record(&self, now: Now, batch: Vec<Record>) -> Result<PerItem, StoreError> {
        self.inner.record(now, batch).await
    }

    async fn replay(
        &self,
        now: Now,
        id: DeliveryId,
        mode: Replay,
    ) -> Result<DeliveryView, WriteError> {
        self.inner.replay(now, id, mode).await
    }

    async fn replay_all(
        &self,
        now: Now,
        filter: DeliveryFilter,
        mode: Replay,
    ) -> Result<u64, WriteError> {
        self.inner.replay_all(now, filter, mode).await
    }

    async fn cancel_delivery(
        &self,
        now: Now,
        id: DeliveryId,
        why: Reason,
    ) -> Result<DeliveryView, WriteError> {
        self.inner.cancel_delivery(now, id, why).await
    }

    async fn event(&self, id: EventId) -> Result<Option<Arc<Event>>, StoreError> {
        self.inner.event(id).await
    }

    async fn events(
        &self,
        filter: EventFilter,
        page: Page<EventId>,
    ) -> Result<Paged<Arc<Event>>, StoreError> {
        self.inner.events(filter, page).await
    }

    async fn delivery(&self, now: Now, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        self.inner.delivery(now, id).await
    }

    async fn deliveries(
        &self,
        now: Now,
        filter: DeliveryFilter,
        page: Page<DeliveryId>,
    ) -> Result<Paged<DeliveryView>, StoreError> {
        self.inner.deliveries(now, filter, page).await
    }

    async fn deliveries_of(
        &self,
        now: Now,
        event: EventId,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        self.inner.deliveries_of(now, event).await
    }

    async fn payload(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError> {
        self.inner.payload(id).await
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>, StoreError> {
        self.inner.attempts(id).await
    }

    async fn notices(
        &self,
        application: Option<ApplicationId>,
        page: Page<NoticeId>,
    ) -> Result<Paged<Notice>, StoreError> {
        self.inner.notices(application, page).await
    }

    async fn entities(
        &self,
        application: Option<ApplicationId>,
        kind: &str,
        ids: Vec<String>,
    ) -> Result<Vec<Entity>, StoreError> {
        self.read("entities")?;
        self.inner.entities(application, kind, ids).await
    }

    async fn entity_page(&self, query: EntityQuery) -> Result<Paged<Entity>, StoreError> {
        self.read("entity_page")?;
        self.inner.entity_page(query).await
    }

    async fn linked_entities(&self, query: LinkedQuery) -> Result<Vec<Paged<Entity>>, StoreError> {
        self.read("linked_entities")?;
        self.inner.linked_entities(query).await
    }

    async fn entity_owners(&self, kind: &str, id: &str) -> Result<Vec<ApplicationId>, StoreError> {
        self.read("entity_owners")?;
        self.inner.entity_owners(kind, id).await
    }

    async fn entity_position(&self, application: Option<ApplicationId>) -> Result<u64, StoreError> {
        self.read("entity_position")?;
        self.inner.entity_position(application).await
    }
}
