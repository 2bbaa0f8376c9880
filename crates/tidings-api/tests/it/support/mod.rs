//! The scene: a front door with two applications, an operator, and one source.

mod issuer;
mod progress;
mod shelf;
mod source;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_graphql::{EmptySubscription, Schema};
use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidings_api::{Api, Executor, ManagementMutation, ManagementQuery, Parts, Settings, router};
use tidings_core::{
    access::{Owner, Scope, ScopeSet},
    application::{Application, ApplicationSettings, ClientType},
    delivery::Step,
    outcome::{Attempt, Outcome},
    samples,
    secret::{TokenHash, Vault},
    time::{Elapsed, Now, Wall},
};
use tidings_egress::{Profile, Target};
use tidings_query::source::Source;
use tidings_store::{
    Append, AppendError, AppendedEvent, Chance, Claim, Clock, Ingest, MadeAttempt, NewApplication,
    NewToken, Record, Room, Store, memory::MemoryStore,
};
use tower::ServiceExt;

pub use issuer::{FakeKeySets, FakeSubjects};
pub use progress::{FakeProgress, LINKED_USER};
pub use shelf::FakeShelf;
pub use source::FakeSource;

/// The operator's token, which may do everything.
pub const OPERATOR: &str = "canary-token-of-the-operator";
/// A token of the application `acme` with all that it can have.
pub const ACME: &str = "canary-token-of-acme";
/// A token of the application `other`.
pub const OTHER: &str = "canary-token-of-other";

/// A clock that stands still until somebody waits for it or moves it.
#[derive(Debug)]
pub struct TestClock(Mutex<Now>);

impl TestClock {
    fn new() -> TestClock {
        TestClock(Mutex::new(Now { wall: samples::WALL, elapsed: Elapsed(1_000_000_000) }))
    }

    pub fn pass_ms(&self, ms: u64) {
        let mut now = self.0.lock().unwrap();
        now.elapsed = now.elapsed.plus_ms(ms);
        now.wall = Wall(now.wall.0 + i64::try_from(ms).unwrap());
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Now {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, until: Elapsed) {
        let now = self.now();
        self.pass_ms(until.since_ms(now.elapsed));
        tokio::task::yield_now().await;
    }
}

/// Chance that is the same every time.
#[derive(Debug, Default)]
pub struct TestChance(AtomicU64);

impl Chance for TestChance {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            *byte = u8::try_from(count.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56).unwrap();
        }
    }
}

/// What stands for the delivery engine: it appends, and where told so tries what was born, with
/// success.
pub struct TestIngest {
    store: Arc<MemoryStore>,
    /// Whether what is born is tried at once.
    pub delivers: AtomicBool,
    /// How many appends find that the catalog changed.
    pub stale_left: AtomicU64,
}

#[async_trait]
impl Ingest for TestIngest {
    async fn append(&self, now: Now, append: Append) -> Result<Vec<AppendedEvent>, AppendError> {
        let take_one = |left: u64| left.checked_sub(1);
        if self.stale_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one).is_ok() {
            return Err(AppendError::StaleCatalog);
        }
        let appended = self.store.append(now, append).await?;
        if self.delivers.load(Ordering::SeqCst) {
            self.deliver(now).await;
        }
        Ok(appended.events)
    }
}

impl TestIngest {
    /// Tries everything that is due.
    pub async fn deliver(&self, now: Now) {
        let lease_until = now.elapsed.plus_ms(60_000);
        let room = Room { permits: 100, spare: 100, in_flight: [].into(), lease_until };
        let batch = self.store.claim_due(now, Claim { room }).await.unwrap();
        for claimed in batch.claimed {
            let attempt = Attempt {
                number: claimed.delivery.attempts_count + 1,
                started_at: now.wall,
                duration_ms: 12,
                outcome: Outcome::Accepted,
                status: Some(200),
                error: None,
                request_headers: vec![("user-agent".to_owned(), "tidings@test/0".to_owned())],
                response_headers: vec![("server".to_owned(), "test".to_owned())],
                response_body: Bytes::from_static(b"thanks \xff"),
                response_body_truncated: false,
            };
            let attempt = Some(MadeAttempt { attempt, started_at: now.elapsed });
            let record = Record {
                token: claimed.token,
                delivery: claimed.delivery.id,
                attempt,
                step: Step::Finish,
                source: None,
            };
            self.store.record(now, vec![record]).await.unwrap();
        }
    }
}

/// A front door with its surroundings.
pub struct Door {
    pub api: Arc<Api>,
    pub router: Router,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<TestClock>,
    pub source: Arc<FakeSource>,
    pub ingest: Arc<TestIngest>,
    pub shelf: Arc<FakeShelf>,
    pub subjects: Arc<FakeSubjects>,
    pub key_sets: Arc<FakeKeySets>,
    pub acme: Application,
    pub other: Application,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// That it is a problem with this status and code.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!((&body["code"], &body["status"]), (&json!(code), &json!(status)), "{body}");
        for member in ["type", "title", "detail"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        }
        body
    }
}

impl Door {
    pub async fn open() -> Door {
        Door::with(|_| (), Vec::new()).await
    }

    /// A door with other settings, and with further sources.
    pub async fn with(change: impl FnOnce(&mut Settings), more: Vec<FakeSource>) -> Door {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(TestClock::new());
        let source = Arc::new(FakeSource::named("platform"));
        let mut sources: Vec<Arc<dyn Source>> = vec![source.clone()];
        sources.extend(more.into_iter().map(|one| Arc::new(one) as Arc<dyn Source>));
        let ingest = Arc::new(TestIngest {
            store: Arc::clone(&store),
            delivers: AtomicBool::new(false),
            stale_left: AtomicU64::new(0),
        });
        let shelf = Arc::new(FakeShelf::default());
        let subjects = Arc::new(FakeSubjects::default());
        let key_sets = Arc::new(FakeKeySets::default());
        let mut settings =
            Settings { user_agent: "tidings@test/0.0.0".to_owned(), ..Settings::standard() };
        change(&mut settings);
        let api = Api::new(Parts {
            store: store.clone(),
            ingest: ingest.clone(),
            sources,
            documents: Some(shelf.clone()),
            progress: Some(Arc::new(FakeProgress)),
            subjects: Some(subjects.clone()),
            fetch_key_set: key_sets.fetch(),
            clock: clock.clone(),
            chance: Arc::new(TestChance::default()),
            vault: Vault::new(&[7; 32]),
            url_policy: Arc::new(|text| {
                Target::parse(text, &Profile::default()).map(|_| ()).map_err(|e| e.to_string())
            }),
            settings,
            readiness: ready(store.clone(), clock.clone()),
            metrics: Arc::new(|| async { "tidings_up 1\n".to_owned() }.boxed()),
        });
        let schema = Schema::build(
            ManagementQuery::default(),
            ManagementMutation::default(),
            EmptySubscription,
        );
        let acme = add_application(&*store, &clock, "acme", ACME).await;
        let other = add_application(&*store, &clock, "other", OTHER).await;
        let operator = [Scope::Admin].into_iter().collect();
        add_token(&*store, &clock, Owner::Operator, OPERATOR, operator).await;
        let router = router(Arc::clone(&api), Executor::of(schema.finish()));
        Door { api, router, store, clock, source, ingest, shelf, subjects, key_sets, acme, other }
    }

    /// A token of `acme` with these scopes alone.
    pub async fn token_with(&self, scopes: &[Scope]) -> String {
        let text = format!("canary-token-{}", scopes.len());
        let owner = Owner::Application(self.acme.id);
        let scopes = scopes.iter().copied().collect();
        add_token(&*self.store, &self.clock, owner, &text, scopes).await;
        text
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (answer, bytes) = self.send_for_bytes(request).await;
        Answer { text: String::from_utf8(bytes.to_vec()).unwrap(), ..answer }
    }

    /// The answer without its text, and its bytes, which may be no text.
    pub async fn send_for_bytes(&self, request: Request<Body>) -> (Answer, Bytes) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let (status, headers) = (head.status.as_u16(), head.headers);
        (Answer { status, headers, text: String::new() }, bytes)
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.send(request("GET", path, token).body(Body::empty()).unwrap()).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, token: &str, body: impl Into<Body>) -> Answer {
        let request = request("POST", path, Some(token)).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn fire(&self, token: &str, body: Value) -> Answer {
        self.post("/v1/events", token, body.to_string()).await
    }

    /// Runs a GraphQL operation that must give data and no error.
    #[track_caller]
    pub fn graphql(
        &self,
        token: &str,
        query: &str,
        variables: Value,
    ) -> impl Future<Output = Value> {
        let at = std::panic::Location::caller();
        let body = json!({ "query": query, "variables": variables }).to_string();
        let (token, query) = (token.to_owned(), query.to_owned());
        async move {
            let answer = self.post("/v1/graphql", &token, body).await;
            let mut value = answer.json();
            assert_eq!(value.get("errors"), None, "{at}: {query}: {value}");
            value["data"].take()
        }
    }

    /// Adds a webhook of `acme` that listens to `UserAdded`, changed by `input`.
    pub async fn add_webhook(&self, token: &str, input: Value) -> Value {
        let query = "mutation($input: AddWebhookInput!) { addWebhook(input: $input) { \
            __typename ... on WebhookAdded { webhook { id status keyFingerprint } key \
            standardWebhooksSecret warnings { path message } } \
            ... on OperationFailure { code problems { path message line column } } } }";
        let data = self.graphql(token, query, json!({ "input": webhook(input) })).await;
        data["addWebhook"].clone()
    }

    /// The id of a webhook that was added like that.
    pub async fn added(&self, token: &str, input: Value) -> String {
        let added = self.add_webhook(token, input).await;
        added["webhook"]["id"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned()
    }
}

fn ready(store: Arc<MemoryStore>, clock: Arc<TestClock>) -> tidings_api::Readiness {
    Arc::new(move || {
        let (store, clock) = (store.clone(), clock.clone());
        let stats = async move { store.stats(clock.now()).await.map(|_| ()) };
        stats.map(|stats| stats.map_err(|error| error.to_string())).boxed()
    })
}

pub fn request(method: &str, path: &str, token: Option<&str>) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    }
}

/// The input of a plain webhook, with these members changed.
pub fn webhook(change: Value) -> Value {
    let mut input = json!({
        "name": "users", "triggers": ["UserAdded"], "url": "https://receiver.example.com/hook",
        "query": "query($id: ID!) { getUser(id: $id) { id name } }",
    });
    for (name, value) in change.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

async fn add_application(
    store: &dyn Store,
    clock: &TestClock,
    name: &str,
    token: &str,
) -> Application {
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
    let application = store.add_application(clock.now(), new).await.unwrap();
    let owner = Owner::Application(application.id);
    add_token(store, clock, owner, token, ScopeSet::for_applications()).await;
    application
}

pub async fn add_token(
    store: &dyn Store,
    clock: &TestClock,
    owner: Owner,
    text: &str,
    scopes: ScopeSet,
) {
    let new = NewToken::own(TokenHash::of(text), owner, scopes);
    store.add_token(clock.now(), new).await.unwrap();
}
