//! A world to play in: a store in memory, receivers, a source, faults and a clock that is moved.
//! The machine plays on it by chance, the tests of the engine by hand.

use std::sync::Arc;

use tidings_core::{
    access::Owner,
    catalog::Catalog,
    delivery::Reason,
    event::{Event, JsonObject},
    ids::{ApplicationId, DeliveryId, EventId, WebhookId},
    limits::PAGE_MAX,
    matching::{Match, match_event},
    outcome::Attempt,
    samples,
    secret::{Secret, Vault},
    time::{Elapsed, Now},
    webhook::{KEY_PURPOSE, SigningKey, Status, Webhook},
};
use tidings_query::source::Source;
use tidings_store::{
    Append, AppendError, AppendedEvent, Chance, Clock, DeliveryFilter, DeliveryView, Idempotency,
    Ingest, NewApplication, NewEvent, Notice, Page, ShownState, Store,
};

use crate::{
    endpoints::Endpoints,
    executor::{SeededChance, VirtualClock},
    faults::Faults,
    process::Process,
    source::{QUERY, SimSource},
    witness::Witness,
};

/// The key of every webhook of the world that is signed.
pub const KEY: &str = "the shared key of the simulation";

/// A world.
#[derive(Clone)]
pub struct Stage {
    /// Its time.
    pub clock: Arc<VirtualClock>,
    /// Its chance.
    pub chance: Arc<SeededChance>,
    /// Its store, without faults.
    pub store: Arc<dyn Store>,
    /// Its receivers.
    pub endpoints: Arc<Endpoints>,
    /// Its source.
    pub source: Arc<SimSource>,
    /// The trouble that its processes have with the store.
    pub faults: Arc<Faults>,
    /// Who watches.
    pub witness: Arc<Witness>,
    /// The installation's key.
    pub vault: Vault,
}

impl Stage {
    /// An empty world on this store.
    #[must_use]
    pub fn new(clock: &Arc<VirtualClock>, seed: u64, store: Arc<dyn Store>) -> Stage {
        let chance = Arc::new(SeededChance::new(seed));
        Stage {
            endpoints: Endpoints::new(clock, &chance),
            source: SimSource::new(clock, &chance),
            faults: Faults::new(clock, &chance),
            witness: Arc::default(),
            vault: Vault::new(&[7; Vault::KEY_BYTES]),
            clock: Arc::clone(clock),
            chance,
            store,
        }
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Adds an application.
    pub async fn add_application(&self, name: &str) -> ApplicationId {
        let sample = samples::application(ApplicationId(0));
        let new = NewApplication {
            name: name.parse().expect("the world writes names"),
            scopes: sample.scopes,
            token_lifetime_s: None,
            settings: sample.settings,
        };
        self.store.add_application(self.now(), new).await.expect("the name is free").id
    }

    /// A signed webhook that listens to `ThingAdded`, to be changed and added.
    #[must_use]
    pub fn webhook(&self, application: ApplicationId, host: &str) -> Webhook {
        let mut webhook = samples::webhook(WebhookId(0), application);
        webhook.url = format!("https://{host}/hook?from=tidings");
        webhook.triggers = vec!["ThingAdded".parse().expect("letters are a trigger's name")];
        webhook.queries.common = Some(QUERY.to_owned());
        let secret = Secret::new(KEY.as_bytes().to_vec());
        let chance: &dyn Chance = &*self.chance;
        webhook.keys = vec![SigningKey {
            sealed: self.vault.seal(&secret, chance.nonce(), KEY_PURPOSE),
            fingerprint: secret.fingerprint(),
            expires_at: None,
        }];
        webhook
    }

    /// Adds a webhook.
    pub async fn add_webhook(&self, webhook: Webhook) -> WebhookId {
        let status = webhook.status.clone();
        let added = self.store.add_webhook(self.now(), webhook).await.expect("there is room");
        if status != Status::Active {
            self.witness.stopped(added.id, self.clock.elapsed());
        }
        added.id
    }

    /// Changes a webhook that is there. Says whether it was.
    pub async fn change_webhook(&self, id: WebhookId, how: impl Fn(&mut Webhook, Elapsed)) -> bool {
        loop {
            let catalog = self.catalog().await;
            let Some(present) = catalog.webhook(id) else { return false };
            let mut webhook = Webhook::clone(present);
            how(&mut webhook, self.clock.elapsed());
            let status = webhook.status.clone();
            // Nobody changes it between the two lines: there is no other thread, and neither waits.
            if self.store.update_webhook(self.now(), webhook).await.is_ok() {
                match status {
                    Status::Active => self.witness.went_on(id, self.clock.elapsed()),
                    _ => self.witness.stopped(id, self.clock.elapsed()),
                }
                return true;
            }
        }
    }

    /// Gives a webhook another status.
    pub async fn set_status(&self, id: WebhookId, status: Status) -> bool {
        self.change_webhook(id, |webhook, now| webhook.set_status(status.clone(), now)).await
    }

    /// Deletes a webhook. Says whether it was there.
    pub async fn delete_webhook(&self, id: WebhookId) -> bool {
        let deleted = self.store.delete_webhook(self.now(), id).await.is_ok();
        if deleted {
            self.witness.deleted(id);
        }
        deleted
    }

    /// Cancels a delivery.
    pub async fn cancel(&self, id: DeliveryId, why: Reason) {
        let shown = self.store.cancel_delivery(self.now(), id, why).await;
        if shown.expect("only what is there is cancelled").shown == ShownState::Cancelled {
            self.witness.cancelled(id);
        }
    }

    /// The webhooks and applications as they stand.
    pub async fn catalog(&self) -> Arc<Catalog> {
        self.store.catalog().await.expect("the store in memory answers")
    }

    /// An event of an entity, to be fired.
    #[must_use]
    pub fn event(&self, trigger: &str, entity: &str) -> Event {
        let (chance, wall) = (&*self.chance as &dyn Chance, self.now().wall);
        Event {
            id: chance.event_id(wall),
            entity: entity.parse().expect("the world writes short ids"),
            variables: JsonObject::new(),
            date: wall,
            ..samples::event(trigger)
        }
    }

    /// The webhooks that hear an event.
    #[must_use]
    pub fn matches(&self, event: &Event, catalog: &Catalog) -> Vec<Match> {
        match_event(event, catalog, &self.source.info().aliases)
    }

    /// Fires an event once, as the front door does.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn append(
        &self,
        process: &Process,
        event: Event,
        key: Option<&str>,
    ) -> Result<AppendedEvent, AppendError> {
        let catalog = self.catalog().await;
        let matches = self.matches(&event, &catalog);
        let idempotency = key.map(|key| Idempotency {
            owner: Owner::Operator,
            key: key.parse().expect("the world writes keys"),
            content: [key.len() as u8; 32],
        });
        let append = Append::of(catalog.version(), vec![NewEvent { event, matches, idempotency }]);
        let answers = process.deliver.append(self.now(), append).await?;
        Ok(answers[0])
    }

    /// Fires an event for an entity, where nothing is expected to go wrong.
    pub async fn fire(&self, process: &Process, trigger: &str, entity: &str) -> EventId {
        let event = self.event(trigger, entity);
        self.append(process, event, None).await.expect("nothing is wrong with the store").id
    }

    /// Every delivery, oldest first.
    pub async fn deliveries(&self) -> Vec<DeliveryView> {
        let mut all: Vec<DeliveryView> = Vec::new();
        loop {
            let after = all.last().map(|last| last.delivery.id);
            let page = Page { first: PAGE_MAX, after };
            let found = self.store.deliveries(self.now(), DeliveryFilter::default(), page).await;
            let found = found.expect("the store in memory answers");
            all.extend(found.items);
            if !found.has_next_page {
                all.reverse();
                return all;
            }
        }
    }

    /// The delivery of an event to a webhook.
    pub async fn delivery(&self, event: EventId, webhook: WebhookId) -> DeliveryView {
        let id = DeliveryId::new(event, webhook, 0);
        let found = self.store.delivery(self.now(), id).await.expect("the store answers");
        found.expect("the delivery came into being with its event")
    }

    /// The attempts of a delivery.
    pub async fn attempts(&self, id: DeliveryId) -> Vec<Attempt> {
        self.store.attempts(id).await.expect("the store in memory answers")
    }

    /// The newest notices.
    pub async fn notices(&self) -> Vec<Notice> {
        let page = Page { first: PAGE_MAX, after: None };
        self.store.notices(None, page).await.expect("the store in memory answers").items
    }
}
