//! What the cases share: a clock that they move, and short words for setting the scene.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use tidings_core::{
    access::{Owner, ScopeSet},
    application::{Application, ApplicationSettings, ClientType},
    delivery::{Reason, ReasonCode, Step},
    event::{Event, JsonObject},
    health::spare,
    ids::{ApplicationId, DeliveryId, EventId, WebhookId},
    limits::{ATTEMPTS_IN_FLIGHT_MAX, BREAKER_FAILURES, HORIZON_MS},
    matching::match_event,
    outcome::{Attempt, Failure, Outcome},
    payload::{Envelope, compose},
    samples,
    time::{Elapsed, Now, Wall},
    webhook::{Status, Webhook},
};

use crate::{
    error::AppendError,
    store::Store,
    types::{
        Append, Appended, AppendedEvent, Claim, Claimed, ClaimedBatch, DeliveryFilter,
        DeliveryView, EventFilter, Freeze, Idempotency, MadeAttempt, NewApplication, NewEvent,
        Notice, Page, Record, Room, SourceSeen,
    },
};

/// A store with a clock.
pub struct World<'a> {
    pub store: &'a dyn Store,
    pub now: Now,
    events_count: u64,
}

/// The length of the leases that [`World`] takes.
pub const LEASE_MS: u64 = 60_000;

impl<'a> World<'a> {
    #[must_use]
    pub fn new(store: &'a dyn Store) -> World<'a> {
        // Far enough from 0 that 72 hours ago is a moment too.
        let now = Now { wall: samples::WALL, elapsed: Elapsed(10 * HORIZON_MS) };
        World { store, now, events_count: 0 }
    }

    /// Lets time pass, on both clocks.
    pub fn pass_ms(&mut self, ms: u64) {
        self.now.elapsed = self.now.elapsed.plus_ms(ms);
        self.now.wall = Wall(self.now.wall.0 + i64::try_from(ms).unwrap());
    }

    /// The moment so many milliseconds from now.
    #[must_use]
    pub fn in_ms(&self, ms: u64) -> Elapsed {
        self.now.elapsed.plus_ms(ms)
    }

    pub async fn add_application(&self, name: &str) -> Application {
        self.store.add_application(self.now, new_application(name)).await.unwrap()
    }

    /// Adds a webhook that listens to `EnergySwitchAdded` at a url of its own, changed by `how`.
    pub async fn add_webhook(
        &self,
        application: &Application,
        how: impl FnOnce(&mut Webhook),
    ) -> Webhook {
        let mut webhook = samples::webhook(WebhookId(0), application.id);
        let others = self.store.catalog().await.unwrap().webhooks().count();
        webhook.url = format!("https://receiver.example.com/{}/{others}", application.name);
        how(&mut webhook);
        self.store.add_webhook(self.now, webhook).await.unwrap()
    }

    /// An application with one webhook.
    pub async fn one_webhook(&self) -> Webhook {
        let application = self.add_application("acme").await;
        self.add_webhook(&application, |_| ()).await
    }

    /// The webhook as it is now.
    pub async fn webhook(&self, id: WebhookId) -> Arc<Webhook> {
        self.store.webhook(id).await.unwrap().unwrap()
    }

    pub async fn set_status(&self, id: WebhookId, status: Status) -> Webhook {
        let mut webhook = Webhook::clone(&*self.webhook(id).await);
        webhook.set_status(status, self.now.elapsed);
        self.store.update_webhook(self.now, webhook).await.unwrap()
    }

    /// An event that was never there before, heard by every application.
    pub fn new_event(&mut self) -> Event {
        self.events_count += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.events_count.to_be_bytes());
        let mut event = samples::event("EnergySwitchAdded");
        event.id = EventId::new(self.now.wall, random);
        event.date = self.now.wall;
        event
    }

    /// The event with the webhooks that hear it.
    pub async fn matched(&self, event: Event, key: Option<Idempotency>) -> NewEvent {
        let catalog = self.store.catalog().await.unwrap();
        let matches = match_event(&event, &catalog, &[]);
        NewEvent { event, matches, idempotency: key }
    }

    /// An append against the present catalog.
    pub async fn append_of(&self, events: Vec<NewEvent>, room: Option<Room>) -> Append {
        let catalog_version = self.store.catalog().await.unwrap().version();
        Append { room, ..Append::of(catalog_version, events) }
    }

    pub async fn try_append(
        &self,
        events: Vec<NewEvent>,
        room: Option<Room>,
    ) -> Result<Appended, AppendError> {
        let append = self.append_of(events, room).await;
        self.store.append(self.now, append).await
    }

    /// Fires one event that nobody is ready for.
    pub async fn fire(&mut self) -> AppendedEvent {
        let event = self.new_event();
        self.fire_this(event).await
    }

    pub async fn fire_this(&mut self, event: Event) -> AppendedEvent {
        let new = self.matched(event, None).await;
        self.try_append(vec![new], None).await.unwrap().events[0]
    }

    /// Fires one event for one webhook, and gives the id of its delivery.
    pub async fn fire_for(&mut self, webhook: &Webhook) -> DeliveryId {
        let event = self.new_event();
        let mut new = self.matched(event, None).await;
        new.matches.retain(|found| found.webhook.id == webhook.id);
        let id = DeliveryId::new(new.event.id, webhook.id, 0);
        self.try_append(vec![new], None).await.unwrap();
        id
    }

    /// Room for so many in an idle process, with nothing on its way.
    #[must_use]
    pub fn room(&self, permits: usize) -> Room {
        let spare = spare(ATTEMPTS_IN_FLIGHT_MAX, 0);
        Room { permits, spare, in_flight: HashMap::new(), lease_until: self.in_ms(LEASE_MS) }
    }

    pub async fn claim_batch(&self, permits: usize) -> ClaimedBatch {
        let claim = Claim { room: self.room(permits) };
        self.store.claim_due(self.now, claim).await.unwrap()
    }

    pub async fn claim(&self, permits: usize) -> Vec<Claimed> {
        self.claim_batch(permits).await.claimed
    }

    /// The ids that a claim gives out, in its order.
    pub async fn claim_ids(&self, permits: usize) -> Vec<DeliveryId> {
        self.claim(permits).await.iter().map(|claimed| claimed.delivery.id).collect()
    }

    /// The one delivery that is due.
    pub async fn claim_one(&self) -> Claimed {
        let mut claimed = self.claim(2).await;
        assert_eq!(claimed.len(), 1, "one delivery is due");
        claimed.remove(0)
    }

    pub async fn freeze(&self, claimed: &Claimed, body: &str) {
        let freeze = self.freeze_of(claimed, body, self.in_ms(HORIZON_MS));
        assert_eq!(self.store.freeze_payloads(self.now, vec![freeze]).await.unwrap(), [Ok(())]);
    }

    #[must_use]
    pub fn freeze_of(&self, claimed: &Claimed, body: &str, deadline: Elapsed) -> Freeze {
        Freeze {
            token: claimed.token,
            delivery: claimed.delivery.id,
            payload: Bytes::copy_from_slice(body.as_bytes()),
            deadline,
            subjects: Some(Vec::new()),
        }
    }

    /// A record without an attempt.
    #[must_use]
    pub fn record_of(&self, claimed: &Claimed, step: Step) -> Record {
        let (token, delivery) = (claimed.token, claimed.delivery.id);
        Record { token, delivery, attempt: None, step, source: None }
    }

    pub async fn record(&self, claimed: &Claimed, step: Step) {
        let record = self.record_of(claimed, step);
        assert_eq!(self.store.record(self.now, vec![record]).await.unwrap(), [Ok(())]);
    }

    /// Records an attempt that began now, and what it leads to.
    pub async fn record_attempt(&self, claimed: &Claimed, outcome: Outcome, step: Step) {
        let mut record = self.record_of(claimed, step);
        record.attempt = Some(self.made(claimed, outcome));
        assert_eq!(self.store.record(self.now, vec![record]).await.unwrap(), [Ok(())]);
    }

    #[must_use]
    pub fn made(&self, claimed: &Claimed, outcome: Outcome) -> MadeAttempt {
        let attempt = attempt(claimed.delivery.attempts_count + 1, self.now.wall, outcome);
        MadeAttempt { attempt, started_at: self.now.elapsed }
    }

    /// Records that the query found its source down; the delivery is due again at once.
    pub async fn source_down(&self, claimed: &Claimed) {
        let mut record = self.record_of(claimed, self.wait(0));
        record.source = Some(self.seen(false));
        assert_eq!(self.store.record(self.now, vec![record]).await.unwrap(), [Ok(())]);
    }

    #[must_use]
    pub fn seen(&self, answered: bool) -> SourceSeen {
        SourceSeen { started_at: self.now.elapsed, answered, wait_ms: None }
    }

    /// A retry in so many milliseconds.
    #[must_use]
    pub fn retry(&self, ms: u64) -> Step {
        Step::RetryAt { due_at: self.in_ms(ms), why: why("the receiver answered 500") }
    }

    /// A wait for the query of so many milliseconds.
    #[must_use]
    pub fn wait(&self, ms: u64) -> Step {
        let why = Reason::new(ReasonCode::SourceDown, "the source does not answer");
        Step::WaitForQuery { due_at: self.in_ms(ms), why }
    }

    /// Fires for the webhook and fails until its breaker is open. What was fired for that is
    /// cancelled.
    pub async fn open_breaker(&mut self, webhook: &Webhook) {
        for _ in 0..BREAKER_FAILURES {
            self.fire_for(webhook).await;
        }
        for claimed in self.claim(usize::try_from(BREAKER_FAILURES).unwrap()).await {
            self.record_attempt(&claimed, failure(500), self.retry(0)).await;
            let cancelled = Reason::new(ReasonCode::CancelledByOwner, "it was there to fail");
            self.store.cancel_delivery(self.now, claimed.delivery.id, cancelled).await.unwrap();
        }
        let health = self.store.backlog(self.now, webhook.id).await.unwrap().health;
        assert!(health.breaker.is_some(), "five failures open the breaker");
    }

    /// A claim while one attempt is on its way to the endpoint: behind an open breaker nobody gets
    /// the turn.
    pub async fn claim_beside_one(&self, webhook: &Webhook) -> Vec<Claimed> {
        let mut room = self.room(50);
        room.in_flight.insert(webhook.endpoint, 1);
        self.store.claim_due(self.now, Claim { room }).await.unwrap().claimed
    }

    /// Why a delivery is final, where it is for a reason.
    pub async fn ended(&self, id: DeliveryId) -> Option<ReasonCode> {
        let state = self.view(id).await.delivery.state;
        state.is_final().then(|| state.reason().map(|why| why.code)).flatten()
    }

    pub async fn view(&self, id: DeliveryId) -> DeliveryView {
        self.store.delivery(self.now, id).await.unwrap().unwrap()
    }

    /// Every delivery that is asked for, on one page.
    pub async fn found(&self, filter: DeliveryFilter) -> Vec<DeliveryId> {
        let page = self.store.deliveries(self.now, filter, first(200)).await.unwrap();
        page.items.iter().map(|view| view.delivery.id).collect()
    }

    pub async fn events_count(&self) -> usize {
        self.store.events(EventFilter::default(), first(200)).await.unwrap().items.len()
    }

    pub async fn notices(&self, application: Option<ApplicationId>) -> Vec<Notice> {
        self.store.notices(application, first(200)).await.unwrap().items
    }
}

/// The first so many.
#[must_use]
pub fn first<C>(count: usize) -> Page<C> {
    Page { first: count, after: None }
}

#[must_use]
pub fn new_application(name: &str) -> NewApplication {
    NewApplication {
        name: name.parse().unwrap(),
        scopes: ScopeSet::for_applications(),
        token_lifetime_s: None,
        settings: ApplicationSettings {
            redirect_uris: Vec::new(),
            client_type: ClientType::Confidential,
            access_levels: None,
            jwt_profiles: Vec::new(),
        },
    }
}

#[must_use]
pub fn key(owner: Owner, text: &str, content: u8) -> Idempotency {
    Idempotency { owner, key: text.parse().unwrap(), content: [content; 32] }
}

#[must_use]
pub fn why(detail: &str) -> Reason {
    Reason::new(ReasonCode::AttemptFailed, detail)
}

#[must_use]
pub fn failure(status: u16) -> Outcome {
    Outcome::Failed { why: Failure::Status(status), retry_after_ms: None }
}

#[must_use]
pub fn attempt(number: u32, started_at: Wall, outcome: Outcome) -> Attempt {
    Attempt {
        number,
        started_at,
        duration_ms: 7,
        outcome,
        status: Some(200),
        error: None,
        request_headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        response_headers: vec![("server".to_owned(), "a".to_owned())],
        response_body: Bytes::from_static(b"\x00ok\xFF"),
        response_body_truncated: false,
    }
}

/// A body as deliveries have them.
pub fn body(claimed: &Claimed) -> Vec<u8> {
    compose(&Envelope {
        id: claimed.delivery.id,
        trigger: &claimed.delivery.trigger,
        date: claimed.event.date,
        api: "https://api.example.com/v1/graphql",
        query: "{ a }",
        variables: &JsonObject::new(),
        data: None,
        errors: None,
    })
}
