//! The store itself: each verb handed to the writer or to a reader.

use std::sync::{Arc, atomic::Ordering};

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
    Entity, EntityQuery, EventFilter, Extend, ExtendTask, Freeze, LinkedQuery, NewApplication,
    NewToken, Notice, Page, Paged, PerItem, PerTask, Record, Replay, Stats, Store, StoreError,
    Task, TaskBatch, WebhookBacklog, WebhookFilter, WriteError,
};

use crate::{
    catalog, claim, control,
    database::SqliteStore,
    entity, ingest,
    positions::Known,
    read, record, row,
    state::{State, Tx, setting},
    task, token,
};

/// What one verb writes beside its items, as a part of a commit's weight.
const ALONE: usize = 1;

#[async_trait]
impl Store for SqliteStore {
    // --- the installation ---

    async fn clock_mark(&self) -> Result<Option<ClockMark>, StoreError> {
        self.readers.read("clock_mark", |it| setting(it, control::CLOCK_MARK)).await
    }

    async fn keep_clock_mark(&self, mark: ClockMark) -> Result<(), StoreError> {
        let work = move |tx: &mut Tx<'_>| control::keep_clock_mark(tx, &mark);
        self.keep("keep_clock_mark", ALONE, work).await
    }

    async fn keep_key_id(&self, key_id: &str) -> Result<String, StoreError> {
        let key_id = key_id.to_owned();
        self.keep("keep_key_id", ALONE, move |tx| control::keep_key_id(tx, &key_id)).await
    }

    async fn stats(&self, now: Now) -> Result<Stats, StoreError> {
        let catalog = self.catalog().await?;
        let shared = Arc::clone(&self.shared);
        let work = move |it: &rusqlite::Connection| read::stats(it, &catalog, &shared, now);
        self.readers.read("stats", work).await
    }

    async fn forget_expired(&self, now: Now) -> Result<u64, StoreError> {
        let changing = self.shared.positions.changing();
        let work = move |tx: &mut Tx<'_>| {
            let _changing = &changing;
            ingest::forget_expired(tx, now)
        };
        self.keep("forget_expired", 1_000, work).await
    }

    // --- the catalog ---

    async fn catalog(&self) -> Result<Arc<Catalog>, StoreError> {
        if self.writer.is_some() {
            return Ok(self.shared.catalog());
        }
        let load = |it: &rusqlite::Connection| {
            Ok(State::load(it, &State::default())?.changed_catalog().unwrap_or_default())
        };
        self.readers.read("catalog", load).await
    }

    async fn add_application(
        &self,
        now: Now,
        new: NewApplication,
    ) -> Result<Application, WriteError> {
        let work = move |tx: &mut Tx<'_>| catalog::add_application(tx, now, &new);
        self.write("add_application", ALONE, work).await
    }

    async fn update_application(
        &self,
        now: Now,
        application: Application,
    ) -> Result<Application, WriteError> {
        let work = move |tx: &mut Tx<'_>| catalog::update_application(tx, now, &application);
        self.write("update_application", ALONE, work).await
    }

    async fn delete_application(
        &self,
        now: Now,
        id: ApplicationId,
    ) -> Result<Application, WriteError> {
        let work = move |tx: &mut Tx<'_>| catalog::delete_application(tx, now, id);
        self.write("delete_application", 1_000, work).await
    }

    async fn add_token(&self, now: Now, new: NewToken) -> Result<Token, WriteError> {
        self.write("add_token", ALONE, move |tx| token::add(tx, now, &new)).await
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, StoreError> {
        self.readers.read("token", move |it| token::by_hash(it, hash)).await
    }

    async fn tokens(
        &self,
        application: Option<ApplicationId>,
        page: Page<TokenId>,
    ) -> Result<Paged<Token>, StoreError> {
        self.readers.read("tokens", move |it| token::page(it, application, &page)).await
    }

    async fn revoke_token(&self, now: Now, id: TokenId) -> Result<Token, WriteError> {
        self.write("revoke_token", ALONE, move |tx| token::revoke(tx, now, id)).await
    }

    async fn revocations_count(&self) -> Result<u64, StoreError> {
        Ok(self.shared.revocations.load(Ordering::Acquire))
    }

    async fn add_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError> {
        let work = move |tx: &mut Tx<'_>| catalog::add_webhook(tx, now, &webhook);
        self.write("add_webhook", ALONE, work).await
    }

    async fn update_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError> {
        let work = move |tx: &mut Tx<'_>| catalog::update_webhook(tx, now, &webhook);
        self.write("update_webhook", ALONE, work).await
    }

    async fn delete_webhook(&self, now: Now, id: WebhookId) -> Result<Webhook, WriteError> {
        let work = move |tx: &mut Tx<'_>| catalog::delete_webhook(tx, now, id);
        self.write("delete_webhook", 1_000, work).await
    }

    async fn cancel_orphans(&self, now: Now) -> Result<u64, StoreError> {
        self.keep("cancel_orphans", 1_000, move |tx| catalog::cancel_orphans(tx, now)).await
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>, StoreError> {
        if let Some(webhook) = self.catalog().await?.webhook(id) {
            return Ok(Some(Arc::clone(webhook)));
        }
        let work = move |it: &rusqlite::Connection| Ok(row::webhook(it, id)?.map(Arc::new));
        self.readers.read("webhook", work).await
    }

    async fn webhooks(
        &self,
        filter: WebhookFilter,
        page: Page<WebhookId>,
    ) -> Result<Paged<Arc<Webhook>>, StoreError> {
        Ok(read::webhooks(&*self.catalog().await?, &filter, &page))
    }

    async fn backlog(&self, _now: Now, id: WebhookId) -> Result<WebhookBacklog, WriteError> {
        let catalog = self.catalog().await?;
        let Some(webhook) = catalog.webhook(id) else {
            return Err(WriteError::NotFound { what: "webhook", id: id.to_string() });
        };
        let (waiting, oldest_due_at) =
            self.readers.read("backlog", move |it| read::waiting(it, id)).await?;
        Ok(WebhookBacklog { health: self.shared.health(webhook.endpoint), waiting, oldest_due_at })
    }

    // --- ingest ---

    async fn append(&self, now: Now, append: Append) -> Result<Appended, AppendError> {
        let weight = ingest::weight(&append);
        let changing = (!append.changes.is_empty()).then(|| self.shared.positions.changing());
        let work = move |tx: &mut Tx<'_>| {
            // The job has it, and is dropped when it was committed or undone.
            let _changing = &changing;
            ingest::append(tx, now, &append)
        };
        self.write("append", weight, work).await
    }

    // --- work ---

    async fn claim_due(&self, now: Now, claim: Claim) -> Result<ClaimedBatch, StoreError> {
        let weight = claim.room.permits;
        self.keep("claim_due", weight, move |tx| claim::claim_due(tx, now, &claim)).await
    }

    async fn extend_leases(&self, _now: Now, batch: Vec<Extend>) -> Result<PerItem, StoreError> {
        let weight = batch.len();
        self.keep("extend_leases", weight, move |tx| record::extend_leases(tx, &batch)).await
    }

    async fn freeze_payloads(&self, now: Now, batch: Vec<Freeze>) -> Result<PerItem, StoreError> {
        let weight = batch.len();
        let work = move |tx: &mut Tx<'_>| record::freeze_payloads(tx, now, &batch);
        self.keep("freeze_payloads", weight, work).await
    }

    async fn record(&self, now: Now, batch: Vec<Record>) -> Result<PerItem, StoreError> {
        let weight = batch.len();
        self.keep("record", weight, move |tx| record::record(tx, now, &batch)).await
    }

    // --- tasks ---

    async fn claim_tasks(&self, now: Now, claim: ClaimTasks) -> Result<TaskBatch, StoreError> {
        let weight = claim.permits;
        self.keep("claim_tasks", weight, move |tx| task::claim(tx, now, &claim)).await
    }

    async fn extend_tasks(&self, _now: Now, batch: Vec<ExtendTask>) -> Result<PerTask, StoreError> {
        let weight = batch.len();
        self.keep("extend_tasks", weight, move |tx| task::extend(tx, &batch)).await
    }

    async fn task(
        &self,
        application: ApplicationId,
        kind: &str,
        key: &str,
    ) -> Result<Option<Task>, StoreError> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        self.readers.read("task", move |it| task::one(it, application, &kind, &key)).await
    }

    // --- commands on deliveries ---

    async fn replay(
        &self,
        now: Now,
        id: DeliveryId,
        mode: Replay,
    ) -> Result<DeliveryView, WriteError> {
        self.write("replay", ALONE, move |tx| control::replay(tx, now, id, mode)).await
    }

    async fn replay_all(
        &self,
        now: Now,
        filter: DeliveryFilter,
        mode: Replay,
    ) -> Result<u64, WriteError> {
        let work = move |tx: &mut Tx<'_>| control::replay_all(tx, now, &filter, mode);
        Ok(self.keep("replay_all", 1_000, work).await?)
    }

    async fn cancel_delivery(
        &self,
        now: Now,
        id: DeliveryId,
        why: Reason,
    ) -> Result<DeliveryView, WriteError> {
        let work = move |tx: &mut Tx<'_>| control::cancel_delivery(tx, now, id, &why);
        self.write("cancel_delivery", ALONE, work).await
    }

    // --- reads ---

    async fn event(&self, id: EventId) -> Result<Option<Arc<Event>>, StoreError> {
        self.readers.read("event", move |it| row::event_by_id(it, id)).await
    }

    async fn events(
        &self,
        filter: EventFilter,
        page: Page<EventId>,
    ) -> Result<Paged<Arc<Event>>, StoreError> {
        self.readers.read("events", move |it| read::events(it, &filter, &page)).await
    }

    async fn delivery(&self, now: Now, id: DeliveryId) -> Result<Option<DeliveryView>, StoreError> {
        let catalog = self.catalog().await?;
        let shared = Arc::clone(&self.shared);
        let work = move |it: &rusqlite::Connection| read::delivery(it, &catalog, &shared, now, id);
        self.readers.read("delivery", work).await
    }

    async fn deliveries(
        &self,
        now: Now,
        filter: DeliveryFilter,
        page: Page<DeliveryId>,
    ) -> Result<Paged<DeliveryView>, StoreError> {
        let catalog = self.catalog().await?;
        let shared = Arc::clone(&self.shared);
        let work = move |it: &rusqlite::Connection| {
            read::deliveries(it, &catalog, &shared, now, filter, &page)
        };
        self.readers.read("deliveries", work).await
    }

    async fn deliveries_of(
        &self,
        now: Now,
        event: EventId,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        let catalog = self.catalog().await?;
        let shared = Arc::clone(&self.shared);
        let work =
            move |it: &rusqlite::Connection| read::deliveries_of(it, &catalog, &shared, now, event);
        self.readers.read("deliveries_of", work).await
    }

    async fn payload(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError> {
        self.readers.read("payload", move |it| read::payload(it, id)).await
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>, StoreError> {
        self.readers.read("attempts", move |it| row::attempts(it, id)).await
    }

    async fn notices(
        &self,
        application: Option<ApplicationId>,
        page: Page<NoticeId>,
    ) -> Result<Paged<Notice>, StoreError> {
        self.readers.read("notices", move |it| read::notices(it, application, &page)).await
    }

    // --- the built-in platform's entities ---

    async fn entities(
        &self,
        application: Option<ApplicationId>,
        kind: &str,
        ids: Vec<String>,
    ) -> Result<Vec<Entity>, StoreError> {
        let kind = kind.to_owned();
        let work = move |it: &rusqlite::Connection| entity::entities(it, application, &kind, &ids);
        self.readers.read("entities", work).await
    }

    async fn entity_page(&self, query: EntityQuery) -> Result<Paged<Entity>, StoreError> {
        self.readers.read("entity_page", move |it| entity::entity_page(it, &query)).await
    }

    async fn linked_entities(&self, query: LinkedQuery) -> Result<Vec<Paged<Entity>>, StoreError> {
        self.readers.read("linked_entities", move |it| entity::linked_entities(it, &query)).await
    }

    async fn entity_owners(&self, kind: &str, id: &str) -> Result<Vec<ApplicationId>, StoreError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        let work = move |it: &rusqlite::Connection| entity::entity_owners(it, &kind, &id);
        self.readers.read("entity_owners", work).await
    }

    async fn entity_position(&self, application: Option<ApplicationId>) -> Result<u64, StoreError> {
        let generation = match self.shared.positions.get(application) {
            Known::Position(position) => return Ok(position),
            Known::Nothing { generation } => generation,
        };
        let work = move |it: &rusqlite::Connection| entity::entity_position(it, application);
        let position = self.readers.read("entity_position", work).await?;
        // Where the database is only read, another process may change it at any time.
        if self.writer.is_some() {
            self.shared.positions.keep(application, position, generation);
        }
        Ok(position)
    }
}
