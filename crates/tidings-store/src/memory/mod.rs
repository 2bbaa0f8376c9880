//! The reference: a store in memory. Plain collections behind one lock, so that each verb is one
//! transaction by itself.
//!
//!   control (catalog) ─► ingest (append) ─► claim ─► record ─► read
//!    └► token                entity ┘          commands (replay, cancel)
//!                            task ─► claim, extend
//!
//! Nothing here is durable. It is what the databases are compared with, and what the simulation and
//! the tests of the front door run on.

mod claim;
mod commands;
mod control;
mod entity;
mod ingest;
mod read;
mod record;
mod state;
mod task;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    memory::state::State,
    store::Store,
    types::{
        Append, Appended, Claim, ClaimTasks, ClaimedBatch, DeliveryFilter, DeliveryView, Entity,
        EntityQuery, EventFilter, Extend, ExtendTask, Freeze, LinkedQuery, NewApplication,
        NewToken, Notice, Page, Paged, PerItem, PerTask, Record, Replay, Stats, Task, TaskBatch,
        WebhookBacklog, WebhookFilter,
    },
};

/// A store in memory; see the module.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a verb fails its test; the others may go on with what is there.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn clock_mark(&self) -> Result<Option<ClockMark>, StoreError> {
        Ok(self.state().clock_mark.clone())
    }

    async fn keep_clock_mark(&self, mark: ClockMark) -> Result<(), StoreError> {
        self.state().clock_mark = Some(mark);
        Ok(())
    }

    async fn keep_key_id(&self, key_id: &str) -> Result<String, StoreError> {
        Ok(self.state().key_id.get_or_insert_with(|| key_id.to_owned()).clone())
    }

    async fn stats(&self, now: Now) -> Result<Stats, StoreError> {
        Ok(self.state().stats(now))
    }

    async fn forget_expired(&self, now: Now) -> Result<u64, StoreError> {
        Ok(self.state().forget_expired(now))
    }

    async fn catalog(&self) -> Result<Arc<Catalog>, StoreError> {
        Ok(self.state().catalog())
    }

    async fn add_application(
        &self,
        now: Now,
        new: NewApplication,
    ) -> Result<Application, WriteError> {
        self.state().add_application(now, new)
    }

    async fn update_application(
        &self,
        now: Now,
        application: Application,
    ) -> Result<Application, WriteError> {
        self.state().update_application(now, application)
    }

    async fn delete_application(
        &self,
        now: Now,
        id: ApplicationId,
    ) -> Result<Application, WriteError> {
        self.state().delete_application(now, id)
    }

    async fn add_token(&self, now: Now, new: NewToken) -> Result<Token, WriteError> {
        self.state().add_token(now, new)
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, StoreError> {
        Ok(self.state().tokens.by_hash(hash))
    }

    async fn tokens(
        &self,
        application: Option<ApplicationId>,
        page: Page<TokenId>,
    ) -> Result<Paged<Token>, StoreError> {
        Ok(self.state().tokens.page(application, &page))
    }

    async fn revoke_token(&self, now: Now, id: TokenId) -> Result<Token, WriteError> {
        self.state().revoke_token(now, id)
    }

    async fn revocations_count(&self) -> Result<u64, StoreError> {
        Ok(self.state().tokens.revocations_count())
    }

    async fn add_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError> {
        self.state().add_webhook(now, webhook)
    }

    async fn update_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError> {
        self.state().update_webhook(now, webhook)
    }

    async fn delete_webhook(&self, now: Now, id: WebhookId) -> Result<Webhook, WriteError> {
        self.state().delete_webhook(now, id)
    }

    async fn cancel_orphans(&self, now: Now) -> Result<u64, StoreError> {
        Ok(self.state().cancel_orphans(now))
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>, StoreError> {
        Ok(self.state().webhook(id))
    }

    async fn webhooks(
        &self,
        filter: WebhookFilter,
        page: Page<WebhookId>,
    ) -> Result<Paged<Arc<Webhook>>, StoreError> {
        Ok(self.state().webhooks(&filter, &page))
    }

    async fn backlog(&self, _now: Now, id: WebhookId) -> Result<WebhookBacklog, WriteError> {
        self.state().backlog(id)
    }

    async fn append(&self, now: Now, append: Append) -> Result<Appended, AppendError> {
        self.state().append(now, append)
    }

    async fn claim_due(&self, now: Now, claim: Claim) -> Result<ClaimedBatch, StoreError> {
        Ok(self.state().claim_due(now, claim))
    }

    async fn extend_leases(&self, _now: Now, batch: Vec<Extend>) -> Result<PerItem, StoreError> {
        Ok(self.state().extend_leases(&batch))
    }

    async fn freeze_payloads(&self, now: Now, batch: Vec<Freeze>) -> Result<PerItem, StoreError> {
        Ok(self.state().freeze_payloads(now, batch))
    }

    async fn record(&self, now: Now, batch: Vec<Record>) -> Result<PerItem, StoreError> {
        Ok(self.state().record(now, batch))
    }

    async fn claim_tasks(&self, now: Now, claim: ClaimTasks) -> Result<TaskBatch, StoreError> {
        Ok(self.state().claim_tasks(now, &claim))
    }

    async fn extend_tasks(&self, _now: Now, batch: Vec<ExtendTask>) -> Result<PerTask, StoreError> {
        Ok(self.state().extend_tasks(&batch))
    }

    async fn task(
        &self,
        application: ApplicationId,
        kind: &str,
        key: &str,
    ) -> Result<Option<Task>, StoreError> {
        Ok(self.state().tasks.one(application, kind, key))
    }

    async fn replay(
        &self,
        now: Now,
        id: DeliveryId,
        mode: Replay,
    ) -> Result<DeliveryView, WriteError> {
        self.state().replay(now, id, mode)
    }

    async fn replay_all(
        &self,
        now: Now,
        filter: DeliveryFilter,
        mode: Replay,
    ) -> Result<u64, WriteError> {
        Ok(self.state().replay_all(now, &filter, mode))
    }

    async fn cancel_delivery(
        &self,
        now: Now,
        id: DeliveryId,
        why: Reason,
    ) -> Result<DeliveryView, WriteError> {
        self.state().cancel_delivery(now, id, why)
    }

    async fn event(&self, id: EventId) -> Result<Option<Arc<Event>>, StoreError> {
        Ok(self.state().events.get(&id).cloned())
    }

    async fn events(
        &self,
        filter: EventFilter,
        page: Page<EventId>,
    ) -> Result<Paged<Arc<Event>>, StoreError> {
        Ok(self.state().events(&filter, &page))
    }

    async fn delivery(&self, now: Now, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        let state = self.state();
        Ok(state.deliveries.get(&id).map(|row| state.view(row, now.elapsed)))
    }

    async fn deliveries(
        &self,
        now: Now,
        filter: DeliveryFilter,
        page: Page<DeliveryId>,
    ) -> Result<Paged<DeliveryView>, StoreError> {
        Ok(self.state().deliveries(now, &filter, &page))
    }

    async fn deliveries_of(
        &self,
        now: Now,
        event: EventId,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        Ok(self.state().deliveries_of(now, event))
    }

    async fn payload(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError> {
        Ok(self.state().deliveries.get(&id).and_then(|row| row.payload.clone()))
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>, StoreError> {
        Ok(self.state().deliveries.get(&id).map_or_else(Vec::new, |row| row.attempts.clone()))
    }

    async fn notices(
        &self,
        application: Option<ApplicationId>,
        page: Page<NoticeId>,
    ) -> Result<Paged<Notice>, StoreError> {
        Ok(self.state().notices(application, &page))
    }

    async fn entities(
        &self,
        application: Option<ApplicationId>,
        kind: &str,
        ids: Vec<String>,
    ) -> Result<Vec<Entity>, StoreError> {
        Ok(self.state().entities.some(application, kind, ids))
    }

    async fn entity_page(&self, query: EntityQuery) -> Result<Paged<Entity>, StoreError> {
        Ok(self.state().entities.page(&query))
    }

    async fn linked_entities(&self, query: LinkedQuery) -> Result<Vec<Paged<Entity>>, StoreError> {
        Ok(self.state().entities.linked(&query))
    }

    async fn entity_owners(&self, kind: &str, id: &str) -> Result<Vec<ApplicationId>, StoreError> {
        Ok(self.state().entities.owners(kind, id))
    }

    async fn entity_position(&self, application: Option<ApplicationId>) -> Result<u64, StoreError> {
        Ok(self.state().entities.position(application))
    }
}
