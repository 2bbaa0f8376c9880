//! A platform on a store in memory, with two applications and an operator.

mod fake_adapters;
pub mod linked;
pub mod log;
pub mod scene;
pub mod walk;
mod watched_store;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_graphql::{EmptySubscription, Request, Schema, Variables};
use async_trait::async_trait;
use serde_json::Value;
use tidings_core::{
    access::{Owner, Principal, Scope, ScopeSet, TokenKind},
    application::{Application, ApplicationSettings, ClientType},
    event::Event,
    ids::{ApplicationId, EventId, WebhookId},
    samples,
    secret::Vault,
    time::{Elapsed, Now, Wall},
};
use tidings_graphql::{PassingTrouble, Viewer};
use tidings_platform::{
    PlatformSource, PublicOrigin, Reader, Writer, sample,
    schema::{MutationRoot, QueryRoot},
    source_info,
    writer::Linking,
};
use tidings_query::source::{About, Call, Executed, Identity, Source};
use tidings_store::{
    Append, AppendError, AppendedEvent, Chance, Clock, DeliveryView, EventFilter, Ingest,
    NewApplication, Page, Store, StoreError,
};
use tokio::sync::Notify;

pub use fake_adapters::{FakeAdapters, PASSWORD, provision};
pub use watched_store::WatchedStore;

#[derive(Debug)]
pub struct TestClock {
    now: Mutex<Now>,
    passed: Notify,
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Now {
        *self.now.lock().unwrap()
    }

    async fn sleep_until(&self, until: Elapsed) {
        loop {
            let mut passed = std::pin::pin!(self.passed.notified());
            passed.as_mut().enable();
            if self.now().elapsed >= until {
                return;
            }
            passed.await;
        }
    }
}

#[derive(Debug, Default)]
struct Counting {
    next: AtomicU64,
}

impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.next.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        bytes.fill(0xab);
        let start = bytes.len() - number.len();
        bytes[start..].copy_from_slice(&number);
    }
}

/// Something that happens in place of an append, or just before it.
pub enum Upset {
    Refused(AppendError),
    First(Box<Append>),
    /// It is made, and nobody is told so.
    Lost,
    Nothing,
}

pub struct TestIngest {
    store: Arc<WatchedStore>,
    pub upsets: Mutex<VecDeque<Upset>>,
}

#[async_trait]
impl Ingest for TestIngest {
    async fn append(&self, now: Now, append: Append) -> Result<Vec<AppendedEvent>, AppendError> {
        let upset = self.upsets.lock().unwrap().pop_front();
        match upset {
            Some(Upset::Refused(error)) => return Err(error),
            Some(Upset::First(other)) => {
                self.store.append(now, *other).await?;
            }
            Some(Upset::Lost) => {
                self.store.append(now, append).await?;
                return Err(AppendError::Store(StoreError::Unknown {
                    operation: "append",
                    cause: "it broke off".to_owned(),
                }));
            }
            Some(Upset::Nothing) | None => {}
        }
        Ok(self.store.append(now, append).await?.events)
    }
}

pub struct World {
    pub store: Arc<WatchedStore>,
    pub ingest: Arc<TestIngest>,
    pub clock: Arc<TestClock>,
    pub writer: Writer,
    pub adapters: Arc<FakeAdapters>,
    pub vault: Arc<Vault>,
    pub chance: Arc<dyn Chance>,
    pub source: PlatformSource,
    pub acme: Application,
    pub other: Application,
    schema: Schema<QueryRoot, MutationRoot, EmptySubscription>,
}

impl World {
    /// Two applications, and nothing else.
    pub async fn empty() -> World {
        let now = Now { wall: samples::WALL, elapsed: Elapsed(1_000_000) };
        let clock = Arc::new(TestClock { now: Mutex::new(now), passed: Notify::new() });
        let store = Arc::new(WatchedStore::default());
        let ingest = Arc::new(TestIngest { store: Arc::clone(&store), upsets: Mutex::default() });
        let info = source_info("https://api.example.com");
        let chance: Arc<dyn Chance> = Arc::new(Counting::default());
        let vault = Arc::new(Vault::new(&[7; Vault::KEY_BYTES]));
        let adapters = Arc::new(FakeAdapters::default());
        let linking = Linking { vault: Arc::clone(&vault), adapters: adapters.clone() };
        let writer = Writer::new(
            store.clone(),
            ingest.clone(),
            clock.clone(),
            chance.clone(),
            info.clone(),
            linking,
        );
        let reader = Reader::new(store.clone());
        let source = PlatformSource::new(reader.clone(), info);
        let (query, mutation) = (QueryRoot::default(), MutationRoot::default());
        let schema = Schema::build(query, mutation, EmptySubscription)
            .data(reader)
            .data(PublicOrigin::of(writer.source()))
            .data(writer.clone())
            .finish();
        let acme = add_application(&store, now, "acme").await;
        let other = add_application(&store, now, "other").await;
        World { store, ingest, clock, writer, adapters, vault, chance, source, acme, other, schema }
    }

    /// With the sample provider and user.
    pub async fn peopled() -> World {
        let world = World::empty().await;
        sample::add_people(&world.writer, world.acme.id).await.unwrap();
        world
    }

    /// With the sample switch too.
    pub async fn sampled() -> World {
        let world = World::peopled().await;
        sample::add_energy_switch(&world.writer, world.acme.id).await.unwrap().unwrap();
        world
    }

    pub fn clock_now(&self) -> Now {
        self.clock.now()
    }

    /// The append after so many others finds that the database cannot be used.
    pub fn refuse_append(&self, after: usize) {
        let (operation, cause) = ("append", "it is full".to_owned());
        let refused = AppendError::Store(StoreError::Unavailable { operation, cause });
        let mut upsets = self.ingest.upsets.lock().unwrap();
        upsets.extend((0..after).map(|_| Upset::Nothing));
        upsets.push_back(Upset::Refused(refused));
    }

    /// A number that is another after each change of an entity.
    pub async fn store_position(&self) -> u64 {
        self.store.entity_position(None).await.unwrap()
    }

    pub fn pass_ms(&self, ms: u32) {
        let mut now = self.clock.now.lock().unwrap();
        now.elapsed = now.elapsed.plus_ms(ms.into());
        now.wall = Wall(now.wall.0 + i64::from(ms));
        drop(now);
        self.clock.passed.notify_waiters();
    }

    /// Sets the wall clock, back too. Elapsed time goes on.
    pub fn set_wall(&self, wall: Wall) {
        self.clock.now.lock().unwrap().wall = wall;
    }

    /// A webhook of an application that listens to a trigger.
    pub async fn add_webhook(&self, application: ApplicationId, trigger: &str) -> WebhookId {
        let mut webhook = samples::webhook(WebhookId(0), application);
        webhook.triggers = vec![trigger.parse().unwrap()];
        self.store.add_webhook(self.clock.now(), webhook).await.unwrap().id
    }

    /// All events, oldest first, with their deliveries.
    pub async fn events(&self) -> Vec<(Arc<Event>, Vec<DeliveryView>)> {
        let (mut found, mut after, mut more) = (Vec::new(), None, true);
        while more {
            let page = Page { first: 200, after };
            let page = self.store.events(EventFilter::default(), page).await.unwrap();
            found.extend(page.items);
            after = found.last().map(|event: &Arc<Event>| event.id);
            more = page.has_next_page;
        }
        let mut events = Vec::new();
        for event in found.into_iter().rev() {
            let deliveries = self.store.deliveries_of(self.clock.now(), event.id).await.unwrap();
            events.push((event, deliveries));
        }
        events
    }

    /// The triggers of all events, oldest first.
    pub async fn fired(&self) -> Vec<String> {
        let events = self.events().await;
        events.iter().map(|(event, _)| event.trigger.to_string()).collect()
    }

    /// Runs a request through the API.
    pub async fn ask(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let request = Request::new(query).variables(Variables::from_json(variables)).data(viewer);
        serde_json::to_value(self.schema.execute(request).await).unwrap()
    }

    /// Whether a query tells of trouble that passes.
    pub async fn is_troubled(&self, viewer: Viewer, query: &str) -> bool {
        let trouble = Arc::new(PassingTrouble::default());
        let request = Request::new(query).data(viewer).data(Arc::clone(&trouble));
        self.schema.execute(request).await;
        trouble.was_noted()
    }

    /// The answer's only field, which must be free of errors.
    pub async fn get(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let answer = self.ask(viewer, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        let data = answer["data"].as_object().unwrap();
        assert_eq!(data.len(), 1);
        data.values().next().unwrap().clone()
    }

    /// Checks that a request ends in an error with this code.
    pub async fn check_error(&self, viewer: Viewer, query: &str, code: &str) {
        let answer = self.ask(viewer, query, Value::Null).await;
        let found = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(found, code, "{query} gave {answer}");
    }

    /// Checks that a request's only field is an `OperationFailure` with this code.
    pub async fn check_failure(&self, viewer: Viewer, query: &str, code: &str) -> String {
        let failure = self.get(viewer, query, Value::Null).await;
        assert_eq!(failure["code"], code, "{query} gave {failure}");
        failure["description"].as_str().unwrap().to_owned()
    }

    pub fn acme(&self) -> Viewer {
        viewer(&self.acme, ScopeSet::for_applications())
    }

    pub fn other(&self) -> Viewer {
        viewer(&self.other, ScopeSet::for_applications())
    }

    /// Runs a stored query for an application, as a delivery of a switch's addition does.
    pub async fn run(&self, application: &Application, query: &str, id: &str) -> Executed {
        self.run_for(application, "EnergySwitchAdded", query, id).await
    }

    /// Runs a stored query for an application, as a delivery of the last such event does; where
    /// there was none, of one that somebody fired.
    pub async fn run_for(
        &self,
        application: &Application,
        trigger: &str,
        query: &str,
        id: &str,
    ) -> Executed {
        let is_it =
            |event: &Event| event.trigger.as_str() == trigger && event.entity.as_str() == id;
        let events = self.events().await;
        let event = events.iter().rev().find(|(event, _)| is_it(event)).map(|(event, _)| event.id);
        let event = event.unwrap_or_else(|| EventId::new(samples::WALL, [7; 10]));
        self.run_about(application, event, trigger, query, id).await
    }

    /// Runs a stored query for an application, as a delivery of this event does.
    pub async fn run_about(
        &self,
        application: &Application,
        event: EventId,
        trigger: &str,
        query: &str,
        id: &str,
    ) -> Executed {
        let variables = serde_json::json!({ "id": id }).as_object().unwrap().clone();
        let call = Call {
            query: query.to_owned(),
            operation_name: None,
            variables,
            identity: Identity {
                application: application.id,
                name: application.name.clone(),
                scopes: application.scopes,
            },
            about: About { event, trigger: trigger.parse().unwrap(), entity: id.parse().unwrap() },
        };
        self.source.execute(&call).await
    }
}

async fn add_application(store: &WatchedStore, now: Now, name: &str) -> Application {
    let new = NewApplication {
        name: name.parse().unwrap(),
        scopes: ScopeSet::for_applications(),
        token_lifetime_s: None,
        settings: ApplicationSettings {
            redirect_uris: Vec::new(),
            client_type: ClientType::Confidential,
            access_levels: None,
            jwt_profiles: Vec::new(),
        },
    };
    store.add_application(now, new).await.unwrap()
}

pub fn viewer(application: &Application, scopes: ScopeSet) -> Viewer {
    Viewer(Some(Principal {
        owner: Owner::Application(application.id),
        kind: TokenKind::Application,
        user: None,
        application_name: Some(application.name.clone()),
        scopes,
        expires_at: Some(samples::WALL),
    }))
}

pub fn operator() -> Viewer {
    Viewer(Some(Principal {
        owner: Owner::Operator,
        kind: TokenKind::Operator,
        user: None,
        application_name: None,
        scopes: [Scope::Admin].into_iter().collect(),
        expires_at: None,
    }))
}

/// The data that a stored query gave, as text.
pub fn data(executed: Executed) -> String {
    match executed {
        Executed::Answered(response) => {
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            response.data.unwrap().get().to_owned()
        }
        Executed::Down { why, .. } => panic!("the platform is down: {why}"),
    }
}
