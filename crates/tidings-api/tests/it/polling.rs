//! Answers with tags, and what is told to those who send one along.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Error, Object, Schema};
use axum::body::Body;
use serde_json::json;
use tidings_api::{Executor, router};
use tidings_core::{
    access::{Owner, Scope, ScopeSet},
    ids::ApplicationId,
    secret::TokenHash,
};
use tidings_graphql::PassingTrouble;
use tidings_store::{
    Append, Clock, EntityChange, NewApplication, NewToken, Store, memory::MemoryStore,
};

use crate::support::{ACME, Answer, Door, OPERATOR, OTHER, request};

/// Counts how often it is asked, and changes an entity where it is told so.
struct Root {
    store: Arc<MemoryStore>,
    clock: Arc<crate::support::TestClock>,
    runs: Arc<AtomicUsize>,
}

#[Object]
impl Root {
    async fn plain(&self) -> usize {
        self.runs.fetch_add(1, Ordering::SeqCst)
    }

    async fn other(&self) -> usize {
        1
    }

    async fn failing(&self) -> Result<usize, Error> {
        Err(Error::new("no"))
    }

    async fn troubled(&self, context: &Context<'_>) -> usize {
        PassingTrouble::note(context);
        1
    }

    /// Something is changed while this is run.
    async fn disturbed(&self, id: String) -> usize {
        change(&*self.store, &self.clock, None, &id).await;
        1
    }
}

async fn change(
    store: &dyn Store,
    clock: &crate::support::TestClock,
    application: Option<ApplicationId>,
    id: &str,
) {
    let change = EntityChange {
        application,
        kind: "Thing".to_owned(),
        id: id.to_owned(),
        expected_version: None,
        body: "{}".to_owned(),
        deleted: false,
        links: Vec::new(),
        forget_at: None,
    };
    let version = store.catalog().await.unwrap().version();
    let append = Append { changes: vec![change], ..Append::of(version, Vec::new()) };
    store.append(clock.now(), append).await.unwrap();
}

struct Polled {
    door: Door,
    runs: Arc<AtomicUsize>,
}

impl Polled {
    async fn open() -> Polled {
        let mut door = Door::open().await;
        let runs = Arc::new(AtomicUsize::new(0));
        let root = Root {
            store: Arc::clone(&door.store),
            clock: Arc::clone(&door.clock),
            runs: Arc::clone(&runs),
        };
        let schema = Schema::new(root, EmptyMutation, EmptySubscription);
        let polled = ["plain", "failing", "troubled", "disturbed"].map(str::to_owned).into();
        door.router = router(Arc::clone(&door.api), Executor::of(schema).with_polled(polled));
        Polled { door, runs }
    }

    async fn get(&self, token: Option<&str>, query: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", token, query, headers).await
    }

    async fn send(
        &self,
        method: &str,
        token: Option<&str>,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut asked = request(method, &format!("/v1/graphql?query={query}"), token);
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        self.door.send(asked.body(Body::empty()).unwrap()).await
    }

    async fn tag(&self, token: &str, query: &str, accept: &str) -> String {
        let answer = self.get(Some(token), query, &[("accept", accept)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.header("etag").unwrap_or_else(|| panic!("{query}: {answer:?}")).to_owned()
    }

    /// Whether the answer with that tag is still the present one.
    async fn is_unchanged(&self, token: &str, query: &str, tag: &str) -> bool {
        let answer = self.get(Some(token), query, &[("if-none-match", tag)]).await;
        match answer.status {
            304 => {
                assert_eq!((answer.text.as_str(), answer.header("etag")), ("", Some(tag)));
                true
            }
            status => {
                assert_eq!((status, answer.header("etag") == Some(tag)), (200, false));
                false
            }
        }
    }

    async fn change(&self, application: Option<ApplicationId>, id: &str) {
        change(&*self.door.store, &self.door.clock, application, id).await;
    }
}

const PLAIN: &str = "%7Bplain%7D";

#[tokio::test]
async fn who_asks_again_is_told_that_nothing_changed_and_nothing_is_run() {
    let polled = Polled::open().await;
    let answer = polled.get(Some(ACME), PLAIN, &[]).await;
    let tag = answer.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "{tag}");
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"data":{"plain":0}}"#));
    let expected = [
        ("cache-control", "private, no-cache"),
        ("etag", tag.as_str()),
        ("vary", "accept, authorization"),
    ];
    for (name, value) in expected {
        assert_eq!(answer.header(name), Some(value));
    }
    for method in ["GET", "HEAD"] {
        let again = polled.send(method, Some(ACME), PLAIN, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        for (name, value) in expected {
            assert_eq!(again.header(name), Some(value));
        }
    }
    assert_eq!(polled.runs.load(Ordering::SeqCst), 1);
    let without = polled.get(Some(ACME), PLAIN, &[]).await;
    assert_eq!((without.status, without.header("etag")), (200, Some(tag.as_str())));
}

#[tokio::test]
async fn a_change_that_the_asker_can_see_makes_another_tag_and_no_other_change_does() {
    let polled = Polled::open().await;
    let (acme, other) = (polled.door.acme.id, polled.door.other.id);
    // Whether acme, other and the operator are told of it.
    let changes = [
        (Some(acme), [true, false, true]),
        (Some(other), [false, true, true]),
        (None, [true, true, true]),
    ];
    for (number, (application, told)) in changes.into_iter().enumerate() {
        let mut before = Vec::new();
        for token in [ACME, OTHER, OPERATOR] {
            before.push((token, polled.tag(token, PLAIN, "*/*").await));
        }
        polled.change(application, &number.to_string()).await;
        for ((token, tag), told) in before.into_iter().zip(told) {
            assert_eq!(!polled.is_unchanged(token, PLAIN, &tag).await, told, "{number} {token}");
        }
    }
}

#[tokio::test]
async fn a_tag_is_of_one_asker_one_url_and_one_media_type() {
    let polled = Polled::open().await;
    let mut tags = Vec::new();
    for scopes in [&[Scope::ReadAccounts][..], &[Scope::ReadAccounts, Scope::FireTriggers]] {
        let token = polled.door.token_with(scopes).await;
        tags.push(polled.tag(&token, PLAIN, "*/*").await);
    }
    for (text, ends_in_ms) in [("ends", 60_000), ("ends later", 60_001)] {
        let text = text.replace(' ', "-");
        let mut expires = polled.door.clock.now();
        expires.elapsed = expires.elapsed.plus_ms(ends_in_ms);
        expires.wall.0 += i64::try_from(ends_in_ms).unwrap();
        let owner = Owner::Application(polled.door.acme.id);
        let scopes = ScopeSet::for_applications();
        let hash = TokenHash::of(&text);
        let new = NewToken { expires: Some(expires), ..NewToken::own(hash, owner, scopes) };
        polled.door.store.add_token(polled.door.clock.now(), new).await.unwrap();
        tags.push(polled.tag(&text, PLAIN, "*/*").await);
    }
    let graphql = "application/graphql-response+json";
    for (token, query, accept) in [
        (ACME, PLAIN, "application/json"),
        (ACME, PLAIN, graphql),
        (OTHER, PLAIN, "application/json"),
        (OPERATOR, PLAIN, "application/json"),
        (ACME, "%7B%20plain%7D", "application/json"),
        (ACME, "query%20A%7Bplain%7Dquery%20B%7Bplain%7D&operationName=A", "*/*"),
        (ACME, "query%20A%7Bplain%7Dquery%20B%7Bplain%7D&operationName=B", "*/*"),
        (ACME, "%7Bplain%7D&variables=%7B%7D", "*/*"),
    ] {
        tags.push(polled.tag(token, query, accept).await);
    }
    let all = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), all);
    let own = polled.tag(ACME, PLAIN, "*/*").await;
    for tag in tags.iter().filter(|tag| **tag != own) {
        assert!(!polled.is_unchanged(ACME, PLAIN, tag).await, "{tag}");
    }
    // An application of the same scopes with nothing of its own is another asker all the same.
    let settings = polled.door.acme.settings.clone();
    let new = NewApplication {
        name: "third".parse().unwrap(),
        scopes: ScopeSet::for_applications(),
        token_lifetime_s: None,
        settings,
    };
    let now = polled.door.clock.now();
    let third = polled.door.store.add_application(now, new).await.unwrap();
    let (owner, scopes) = (Owner::Application(third.id), ScopeSet::for_applications());
    let new = NewToken::own(TokenHash::of("third"), owner, scopes);
    polled.door.store.add_token(now, new).await.unwrap();
    assert!(!tags.contains(&polled.tag("third", PLAIN, "*/*").await));
}

#[tokio::test]
async fn lists_weak_tags_and_the_star_are_understood() {
    let polled = Polled::open().await;
    let tag = polled.tag(ACME, PLAIN, "*/*").await;
    for (value, is_known) in [
        (tag.clone(), true),
        (format!("W/{tag}"), true),
        (format!("\"x\", W/\"y,z\" ,{tag}"), true),
        ("*".to_owned(), true),
        (tag.replace('"', ""), false),
        ("\"x\"".to_owned(), false),
        (String::new(), false),
    ] {
        let answer = polled.get(Some(ACME), PLAIN, &[("if-none-match", &value)]).await;
        assert_eq!(answer.status == 304, is_known, "{value}: {answer:?}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    let twice = [("if-none-match", "\"x\""), ("if-none-match", tag.as_str())];
    assert_eq!(polled.get(Some(ACME), PLAIN, &twice).await.status, 304);
}

#[tokio::test]
async fn what_may_be_answered_in_another_way_though_nothing_changed_has_no_tag() {
    let polled = Polled::open().await;
    for (query, token) in [
        ("%7Bother%7D", Some(ACME)),
        ("%7Bplain,other%7D", Some(ACME)),
        ("%7Bplain...on%20Root%7Bother%7D%7D", Some(ACME)),
        ("%7Bplain,...F%7Dfragment%20F%20on%20Root%7Bother%7D", Some(ACME)),
        ("%7Bplain:other%7D", Some(ACME)),
        ("%7Bplain,__schema%7BqueryType%7Bname%7D%7D%7D", Some(ACME)),
        ("%7Bfailing%7D", Some(ACME)),
        ("%7Bplain,failing%7D", Some(ACME)),
        ("%7Bnothing%7D", Some(ACME)),
        ("%7Bplain", Some(ACME)),
        ("%7Btroubled%7D", Some(ACME)),
        ("%7B__typename%7D", None),
        ("%7Bplain%7D", None),
        ("mutation%7Bplain%7D", Some(ACME)),
    ] {
        let answer = polled.get(token, query, &[("if-none-match", "*")]).await;
        assert_ne!(answer.status, 304, "{query}");
        assert_eq!(answer.header("etag"), None, "{query}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{query}");
        assert!(answer.text.starts_with('{'), "{query}");
    }
    for query in ["%7B__typename,plain%7D", "%7B...F%7Dfragment%20F%20on%20Root%7Bplain%7D"] {
        polled.tag(ACME, query, "*/*").await;
    }
}

#[tokio::test]
async fn an_answer_that_was_read_while_something_changed_has_no_tag() {
    let polled = Polled::open().await;
    let answer = polled.get(Some(ACME), "%7Bdisturbed(id:%22a%22)%7D", &[]).await;
    assert_eq!((answer.status, answer.header("etag")), (200, None));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    polled.tag(ACME, PLAIN, "*/*").await;
}

#[tokio::test]
async fn a_post_is_answered_in_full_each_time() {
    let polled = Polled::open().await;
    let tag = polled.tag(ACME, PLAIN, "*/*").await;
    let post = request("POST", "/v1/graphql?query=%7Bplain%7D", Some(ACME))
        .header("content-type", "application/json")
        .header("if-none-match", tag);
    let body = json!({ "query": "{ plain }" }).to_string();
    let answer = polled.door.send(post.body(body.into()).unwrap()).await;
    assert_eq!((answer.status, answer.header("etag")), (200, None));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}
