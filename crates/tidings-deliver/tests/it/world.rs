//! A world of one process: a clock that stands still until it is moved, a source, and a sender that
//! does as it is told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use tidings_core::{
    access::ScopeSet,
    application::{ApplicationSettings, ClientType},
    ids::{ApplicationId, EntityId},
    matching::match_event,
    samples,
    secret::Vault,
    source::{SourceInfo, TriggerCatalogue},
    time::{Elapsed, Now},
    trigger::TriggerName,
    webhook::{Status, Webhook},
};
use tidings_deliver::{Deliver, Options, Parts, Post, Posted, Sender};
use tidings_query::{
    ResponseLimits, SourceSchema, read_response,
    source::{Call, Executed, Source},
};
use tidings_store::{Append, Chance, Clock, MemoryStore, NewApplication, NewEvent, Store};
use tokio::sync::watch;

/// The schema that queries fit.
pub const SDL: &str = "type Query { thing(id: ID!): ID }";
/// A schema that has lost what they ask for.
pub const OTHER_SDL: &str = "type Query { other(id: ID!): ID }";
const QUERY: &str = "query($id: ID!) { thing(id: $id) }";

fn schema(sdl: &str) -> SourceSchema {
    SourceSchema::parse("/schema", sdl).unwrap()
}

/// A clock that is moved by hand.
#[derive(Debug)]
pub struct HandClock(watch::Sender<u64>);

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Now {
        let ms = *self.0.borrow();
        Now { wall: samples::WALL, elapsed: Elapsed(ms) }
    }

    async fn sleep_until(&self, until: Elapsed) {
        let mut hands = self.0.subscribe();
        let _ = hands.wait_for(|ms| *ms >= until.0).await;
    }
}

#[derive(Debug)]
struct Counted(Mutex<u64>);

impl Chance for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        let text = count.to_be_bytes();
        let length = bytes.len();
        bytes.fill(0);
        bytes[length.saturating_sub(8)..].copy_from_slice(&text[8usize.saturating_sub(length)..]);
    }
}

/// A webhook that is paused while a query runs, and where.
type PausedInQuery = Arc<Mutex<Option<(Arc<MemoryStore>, Webhook)>>>;

struct Thing {
    info: SourceInfo,
    schema: Arc<Mutex<SourceSchema>>,
    is_down: Arc<AtomicBool>,
    pauses: PausedInQuery,
}

#[async_trait]
impl Source for Thing {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn schema(&self) -> SourceSchema {
        self.schema.lock().unwrap().clone()
    }

    async fn execute(&self, _call: &Call) -> Executed {
        let paused = self.pauses.lock().unwrap().take();
        if let Some((store, mut webhook)) = paused {
            webhook.set_status(Status::Paused, Elapsed(0));
            store.update_webhook(Now::default(), webhook).await.unwrap();
        }
        if self.is_down.load(Ordering::Relaxed) {
            return Executed::Down { why: "refused".to_owned(), wait_ms: None };
        }
        let response = read_response(br#"{"data":{"thing":"x"}}"#, ResponseLimits::STANDARD);
        Executed::Answered(response.unwrap())
    }

    async fn owners(
        &self,
        _trigger: &TriggerName,
        _entity: &EntityId,
    ) -> Result<Vec<ApplicationId>, String> {
        Ok(Vec::new())
    }
}

/// What a receiver does with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// Answers 200.
    Takes,
    /// Does not answer.
    Waits,
    /// Brings the sender down.
    Panics,
}

/// Requests that came, and receivers by their url; all others take what they get.
#[derive(Default)]
pub struct Receivers {
    posts: Mutex<Vec<Post>>,
    how: Mutex<BTreeMap<String, Receiver>>,
}

#[async_trait]
impl Sender for Receivers {
    async fn post(&self, post: &Post) -> Posted {
        self.posts.lock().unwrap().push(post.clone());
        let how = self.how.lock().unwrap().get(&post.url).copied().unwrap_or(Receiver::Takes);
        match how {
            Receiver::Takes => {}
            Receiver::Waits => std::future::pending().await,
            Receiver::Panics => panic!("on purpose"),
        }
        let (headers, body) = (Vec::new(), Bytes::new());
        Posted::Answered { status: 200, headers, body, body_truncated: false }
    }
}

/// One process and what is around it.
pub struct World {
    pub store: Arc<MemoryStore>,
    pub receivers: Arc<Receivers>,
    pub source_is_down: Arc<AtomicBool>,
    schema: Arc<Mutex<SourceSchema>>,
    pauses: PausedInQuery,
    clock: Arc<HandClock>,
    chance: Arc<Counted>,
}

impl World {
    pub async fn new() -> World {
        let world = World {
            store: Arc::new(MemoryStore::new()),
            receivers: Arc::default(),
            source_is_down: Arc::default(),
            schema: Arc::new(Mutex::new(schema(SDL))),
            pauses: Arc::default(),
            clock: Arc::new(HandClock(watch::channel(1_000).0)),
            chance: Arc::new(Counted(Mutex::new(0))),
        };
        let settings = ApplicationSettings {
            client_type: ClientType::Confidential,
            access_levels: None,
            ..samples::application(ApplicationId(1)).settings
        };
        let new = NewApplication {
            name: "acme".parse().unwrap(),
            scopes: ScopeSet::for_applications(),
            token_lifetime_s: None,
            settings,
        };
        world.store.add_application(world.now(), new).await.unwrap();
        world
    }

    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// A webhook for the trigger; its url says which it is.
    pub async fn webhook(&self, trigger: &str, change: impl FnOnce(&mut Webhook)) -> Webhook {
        let mut webhook = samples::webhook(tidings_core::ids::WebhookId(1), ApplicationId(1));
        webhook.triggers = vec![trigger.parse().unwrap()];
        webhook.url = format!("https://{}.example.com/", trigger.to_lowercase());
        webhook.queries.common = Some(QUERY.to_owned());
        change(&mut webhook);
        self.store.add_webhook(self.now(), webhook).await.unwrap()
    }

    pub fn receive(&self, webhook: &Webhook, how: Receiver) {
        self.receivers.how.lock().unwrap().insert(webhook.url.clone(), how);
    }

    /// Gives the source another schema.
    pub fn set_schema(&self, sdl: &str) {
        *self.schema.lock().unwrap() = schema(sdl);
    }

    /// Lets the webhook be paused while its next query runs.
    pub fn pause_in_query(&self, webhook: &Webhook) {
        let paused = (Arc::clone(&self.store), webhook.clone());
        *self.pauses.lock().unwrap() = Some(paused);
    }

    pub async fn status(&self, webhook: &Webhook) -> Status {
        self.store.webhook(webhook.id).await.unwrap().unwrap().status.clone()
    }

    pub fn engine(&self, attempts_max: usize) -> Arc<Deliver> {
        let info = SourceInfo {
            name: "platform".parse().unwrap(),
            api: "https://api.example.com/v1/graphql".to_owned(),
            triggers: TriggerCatalogue::Any,
            aliases: Vec::new(),
        };
        Deliver::start(Parts {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            sources: vec![Arc::new(Thing {
                info,
                schema: Arc::clone(&self.schema),
                is_down: Arc::clone(&self.source_is_down),
                pauses: Arc::clone(&self.pauses),
            })],
            sender: Arc::clone(&self.receivers) as Arc<dyn Sender>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            chance: Arc::clone(&self.chance) as Arc<dyn Chance>,
            vault: Vault::new(&[7; Vault::KEY_BYTES]),
            options: Options { attempts_max, ..Options::standard("tidings@test/0".to_owned()) },
        })
    }

    /// So many events of the trigger, matched and ready to be appended.
    pub async fn events(&self, trigger: &str, count: usize, test: bool) -> Append {
        let catalog = self.store.catalog().await.unwrap();
        let chance: &(dyn Chance + 'static) = &*self.chance;
        let events = (0..count)
            .map(|_| {
                let mut event = samples::event(trigger);
                event.id = chance.event_id(self.now().wall);
                event.test = test;
                let matches = match_event(&event, &catalog, &[]);
                NewEvent { event, matches, idempotency: None }
            })
            .collect();
        Append::of(catalog.version(), events)
    }

    /// Lets everything run that can run at this moment.
    pub async fn settle(&self) {
        for _ in 0..2_000 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time pass, a step at a time.
    pub async fn pass(&self, ms: u64, step_ms: u64) {
        for _ in 0..ms / step_ms {
            self.clock.0.send_modify(|now| *now += step_ms);
            self.settle().await;
        }
    }

    /// Requests that came to this webhook.
    pub fn posts(&self, webhook: &Webhook) -> usize {
        self.receivers.posts.lock().unwrap().iter().filter(|post| post.url == webhook.url).count()
    }
}
