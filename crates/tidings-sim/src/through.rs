//! The store as one process has it.
//!
//!   engine ─► life (may end, or stand still) ─► faults ─► witness ─► sabotage ─► store in memory
//!
//! The witness stands where the commit is made: what it saw happened, whatever the engine was told.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tidings_core::{
    access::Token,
    application::Application,
    catalog::Catalog,
    delivery::{LeaseToken, Reason, State, Step},
    event::Event,
    ids::{ApplicationId, DeliveryId, EventId, NoticeId, TokenId, WebhookId},
    outcome::Attempt,
    secret::TokenHash,
    time::{ClockMark, MINUTE_MS, Now},
    webhook::Webhook,
};
use tidings_store::{
    Append, AppendError, Appended, AppendedEvent, Claim, ClaimTasks, ClaimedBatch, DeliveryFilter,
    DeliveryView, Entity, EntityQuery, EventFilter, Extend, ExtendTask, Freeze, LeaseLost,
    LinkedQuery, NewApplication, NewToken, Notice, Page, Paged, PerItem, PerTask, Record, Replay,
    Stats, Store, StoreError, Task, TaskBatch, WebhookBacklog, WebhookFilter, WriteError,
};

use crate::{
    executor::{SeededChance, VirtualClock},
    faults::{Faults, Life},
    sabotage::Sabotage,
    witness::Witness,
};

/// The store, as one process has it.
pub(crate) struct ProcessStore {
    pub(crate) number: usize,
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) chance: Arc<SeededChance>,
    pub(crate) life: Arc<Life>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) sabotage: Option<Sabotage>,
}

impl ProcessStore {
    async fn through<T, E: From<StoreError>>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.life.during(self.faults.through(operation, work)).await
    }

    async fn append_now(&self, now: Now, mut append: Append) -> Result<Appended, AppendError> {
        if self.sabotage == Some(Sabotage::AcknowledgeBeforeCommit) {
            return Ok(self.append_later(now, append));
        }
        let asked = append.clone();
        if self.sabotage == Some(Sabotage::ForgetOneWebhook)
            && let Some(event) = append.events.iter_mut().find(|event| event.matches.len() > 1)
        {
            event.matches.pop();
        }
        let appended = self.inner.append(now, append).await?;
        self.witness.appended(self.number, now, &asked, &appended);
        Ok(appended)
    }

    fn append_later(&self, now: Now, append: Append) -> Appended {
        let answer = |event: &tidings_store::NewEvent| AppendedEvent {
            id: event.event.id,
            deliveries: event.matches.len(),
            duplicate: false,
        };
        let events = append.events.iter().map(answer).collect();
        let (inner, clock, life) =
            (Arc::clone(&self.inner), Arc::clone(&self.clock), Arc::clone(&self.life));
        tokio::spawn(async move {
            life.during(clock.pass(20)).await;
            // A bug that nobody is told of: that is what makes it one.
            drop(inner.append(now, Append { room: None, ..append }).await);
        });
        Appended { events, newborn: Vec::new(), left: true }
    }

    async fn claim_now(&self, now: Now, claim: Claim) -> Result<ClaimedBatch, StoreError> {
        let ahead_ms = match self.sabotage {
            Some(Sabotage::GiveLeasedAgain) if self.chance.happens(5) => 5 * MINUTE_MS,
            Some(Sabotage::GiveTooEarly) => 1_500,
            _ => 0,
        };
        let seen = Now { elapsed: now.elapsed.plus_ms(ahead_ms), ..now };
        let batch = self.inner.claim_due(seen, claim).await?;
        for claimed in &batch.claimed {
            self.witness.given(self.number, now, claimed);
        }
        Ok(batch)
    }

    async fn freeze_now(&self, now: Now, batch: Vec<Freeze>) -> Result<PerItem, StoreError> {
        let mut answers = match self.sabotage {
            Some(Sabotage::SkipFreeze) => batch.iter().map(|_| Ok(())).collect(),
            _ => self.inner.freeze_payloads(now, batch.clone()).await?,
        };
        for (item, answer) in batch.iter().zip(&mut answers) {
            if let Some(token) = self.stolen_lease(now, item.delivery, *answer).await {
                let stolen = Freeze { token, ..item.clone() };
                *answer = self.inner.freeze_payloads(now, vec![stolen]).await?[0];
            }
            self.witness.frozen(now, item, answer.is_ok());
        }
        Ok(answers)
    }

    async fn record_now(&self, now: Now, mut batch: Vec<Record>) -> Result<PerItem, StoreError> {
        for item in &mut batch {
            self.spoil(now, item);
        }
        if self.sabotage == Some(Sabotage::ForgetRecord) && self.chance.happens(20) {
            for item in &batch {
                self.witness.recorded(now, item, true);
            }
            return Ok(batch.iter().map(|_| Ok(())).collect());
        }
        let mut answers = self.inner.record(now, batch.clone()).await?;
        for (item, answer) in batch.iter().zip(&mut answers) {
            if let Some(token) = self.stolen_lease(now, item.delivery, *answer).await {
                let stolen = Record { token, ..item.clone() };
                *answer = self.inner.record(now, vec![stolen]).await?[0];
            }
            self.witness.recorded(now, item, answer.is_ok());
        }
        Ok(answers)
    }

    /// Bugs of an engine that decides wrongly.
    fn spoil(&self, now: Now, item: &mut Record) {
        let number = item.attempt.as_ref().map(|made| made.attempt.number);
        item.step = match (self.sabotage, &item.step) {
            (Some(Sabotage::RetryAtOnce), Step::RetryAt { why, .. }) => {
                Step::RetryAt { due_at: now.elapsed, why: why.clone() }
            }
            (Some(Sabotage::ExhaustOnOutage), Step::WaitForQuery { why, .. }) => {
                Step::Exhaust { why: why.clone() }
            }
            (Some(Sabotage::GiveUpEarly), Step::RetryAt { why, .. }) if number >= Some(3) => {
                Step::Exhaust { why: why.clone() }
            }
            (Some(Sabotage::RetryForEver), Step::Exhaust { why }) => {
                Step::RetryAt { due_at: now.elapsed.plus_ms(30_000), why: why.clone() }
            }
            _ => return,
        };
    }

    /// The lease of another, for a write that was refused, where the bug is that nobody looks.
    async fn stolen_lease(
        &self,
        now: Now,
        id: DeliveryId,
        answer: Result<(), LeaseLost>,
    ) -> Option<LeaseToken> {
        if answer.is_ok() || self.sabotage != Some(Sabotage::IgnoreLeaseToken) {
            return None;
        }
        match self.inner.delivery(now, id).await.ok()??.delivery.state {
            State::Leased { token, .. } => Some(token),
            _ => None,
        }
    }
}

macro_rules! store_through {
    (
        { $($own:tt)* }
        $(async fn $name:ident(&self $(, $argument:ident: $type:ty)*)
            -> Result<$done:ty, $error:ty>;)*
    ) => {
        #[async_trait]
        impl Store for ProcessStore {
            $($own)*
            $(async fn $name(&self $(, $argument: $type)*) -> Result<$done, $error> {
                self.through(stringify!($name), self.inner.$name($($argument),*)).await
            })*
        }
    };
}

store_through! {
    {
        async fn append(&self, now: Now, append: Append) -> Result<Appended, AppendError> {
            self.through("append", self.append_now(now, append)).await
        }
        async fn claim_due(&self, now: Now, claim: Claim) -> Result<ClaimedBatch, StoreError> {
            self.through("claim_due", self.claim_now(now, claim)).await
        }
        async fn extend_leases(
            &self,
            now: Now,
            batch: Vec<Extend>,
        ) -> Result<PerItem, StoreError> {
            let work = async {
                let answers = self.inner.extend_leases(now, batch.clone()).await?;
                for (item, answer) in batch.iter().zip(&answers) {
                    self.witness.extended(now, item, answer.is_ok());
                }
                Ok(answers)
            };
            self.through("extend_leases", work).await
        }
        async fn freeze_payloads(
            &self,
            now: Now,
            batch: Vec<Freeze>,
        ) -> Result<PerItem, StoreError> {
            self.through("freeze_payloads", self.freeze_now(now, batch)).await
        }
        async fn record(&self, now: Now, batch: Vec<Record>) -> Result<PerItem, StoreError> {
            self.through("record", self.record_now(now, batch)).await
        }
        async fn keep_key_id(&self, key_id: &str) -> Result<String, StoreError> {
            self.through("keep_key_id", self.inner.keep_key_id(key_id)).await
        }
        async fn entities(
            &self,
            application: Option<ApplicationId>,
            kind: &str,
            ids: Vec<String>,
        ) -> Result<Vec<Entity>, StoreError> {
            self.through("entities", self.inner.entities(application, kind, ids)).await
        }
        async fn task(
            &self,
            application: ApplicationId,
            kind: &str,
            key: &str,
        ) -> Result<Option<Task>, StoreError> {
            self.through("task", self.inner.task(application, kind, key)).await
        }
        async fn entity_owners(
            &self,
            kind: &str,
            id: &str,
        ) -> Result<Vec<ApplicationId>, StoreError> {
            self.through("entity_owners", self.inner.entity_owners(kind, id)).await
        }
        async fn entity_position(
            &self,
            application: Option<ApplicationId>,
        ) -> Result<u64, StoreError> {
            self.through("entity_position", self.inner.entity_position(application)).await
        }
    }
    async fn clock_mark(&self) -> Result<Option<ClockMark>, StoreError>;
    async fn keep_clock_mark(&self, mark: ClockMark) -> Result<(), StoreError>;
    async fn stats(&self, now: Now) -> Result<Stats, StoreError>;
    async fn forget_expired(&self, now: Now) -> Result<u64, StoreError>;
    async fn catalog(&self) -> Result<Arc<Catalog>, StoreError>;
    async fn add_application(&self, now: Now, new: NewApplication)
        -> Result<Application, WriteError>;
    async fn update_application(&self, now: Now, application: Application)
        -> Result<Application, WriteError>;
    async fn delete_application(&self, now: Now, id: ApplicationId)
        -> Result<Application, WriteError>;
    async fn add_token(&self, now: Now, new: NewToken) -> Result<Token, WriteError>;
    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, StoreError>;
    async fn tokens(&self, application: Option<ApplicationId>, page: Page<TokenId>)
        -> Result<Paged<Token>, StoreError>;
    async fn revoke_token(&self, now: Now, id: TokenId) -> Result<Token, WriteError>;
    async fn revocations_count(&self) -> Result<u64, StoreError>;
    async fn claim_tasks(&self, now: Now, claim: ClaimTasks) -> Result<TaskBatch, StoreError>;
    async fn extend_tasks(&self, now: Now, batch: Vec<ExtendTask>) -> Result<PerTask, StoreError>;
    async fn add_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError>;
    async fn update_webhook(&self, now: Now, webhook: Webhook) -> Result<Webhook, WriteError>;
    async fn delete_webhook(&self, now: Now, id: WebhookId) -> Result<Webhook, WriteError>;
    async fn cancel_orphans(&self, now: Now) -> Result<u64, StoreError>;
    async fn webhook(&self, id: WebhookId) -> Result<Option<Arc<Webhook>>, StoreError>;
    async fn webhooks(&self, filter: WebhookFilter, page: Page<WebhookId>)
        -> Result<Paged<Arc<Webhook>>, StoreError>;
    async fn backlog(&self, now: Now, id: WebhookId) -> Result<WebhookBacklog, WriteError>;
    async fn replay(&self, now: Now, id: DeliveryId, mode: Replay)
        -> Result<DeliveryView, WriteError>;
    async fn replay_all(&self, now: Now, filter: DeliveryFilter, mode: Replay)
        -> Result<u64, WriteError>;
    async fn cancel_delivery(&self, now: Now, id: DeliveryId, why: Reason)
        -> Result<DeliveryView, WriteError>;
    async fn event(&self, id: EventId) -> Result<Option<Arc<Event>>, StoreError>;
    async fn events(&self, filter: EventFilter, page: Page<EventId>)
        -> Result<Paged<Arc<Event>>, StoreError>;
    async fn delivery(&self, now: Now, id: DeliveryId)
        -> Result<Option<DeliveryView>, StoreError>;
    async fn deliveries(&self, now: Now, filter: DeliveryFilter, page: Page<DeliveryId>)
        -> Result<Paged<DeliveryView>, StoreError>;
    async fn deliveries_of(&self, now: Now, event: EventId)
        -> Result<Vec<DeliveryView>, StoreError>;
    async fn payload(&self, id: DeliveryId) -> Result<Option<Bytes>, StoreError>;
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>, StoreError>;
    async fn notices(&self, application: Option<ApplicationId>, page: Page<NoticeId>)
        -> Result<Paged<Notice>, StoreError>;
    async fn entity_page(&self, query: EntityQuery) -> Result<Paged<Entity>, StoreError>;
    async fn linked_entities(&self, query: LinkedQuery)
        -> Result<Vec<Paged<Entity>>, StoreError>;
}
