//! `POST /v1/events`.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::{Value, json};
use tidings_core::{access::Scope, time::DAY_MS};
use tidings_store::{EventFilter, Page, Store};
use tokio::{sync::Notify, task::JoinHandle};

use crate::support::{ACME, Door, FakeSource, OPERATOR, OTHER, request};

fn user_added(id: &str) -> Value {
    json!({ "trigger": "UserAdded", "id": id })
}

async fn events_count(door: &Door) -> usize {
    let page = Page { first: 200, after: None };
    door.store.events(EventFilter::default(), page).await.unwrap().items.len()
}

#[tokio::test]
async fn an_event_is_recorded_with_its_deliveries_before_it_is_acknowledged() {
    let door = Door::open().await;
    door.added(ACME, json!({})).await;
    door.added(ACME, json!({ "name": "second" })).await;
    door.added(OTHER, json!({})).await;
    let answer = door.fire(ACME, user_added("u1")).await;
    assert_eq!(answer.status, 202);
    insta::assert_json_snapshot!("one_event", answer.json());
    let answer = door.fire(OPERATOR, json!([user_added("u2"), user_added("u3")])).await;
    insta::assert_json_snapshot!("two_events_of_the_operator", answer.json());
    assert_eq!(events_count(&door).await, 3);
}

#[tokio::test]
async fn a_token_is_asked_for_before_the_body_is_looked_at() {
    let door = Door::open().await;
    let endless = Body::from_stream(futures_util::stream::pending::<Result<String, String>>());
    let answer = door.send(request("POST", "/v1/events", None).body(endless).unwrap()).await;
    answer.assert_problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"tidings\""));
    let answer = door.post("/v1/events", "wrong", "{").await;
    answer.assert_problem(401, "unauthenticated");
    assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
    for value in ["Basic b3A6eA==", "Bearer", "Bearer a b", "token"] {
        let request = request("POST", "/v1/events", None).header("authorization", value);
        let answer = door.send(request.body(Body::from("{")).unwrap()).await;
        answer.assert_problem(401, "unauthenticated");
    }
    let reader = door.token_with(&[Scope::ReadDeliveries]).await;
    door.post("/v1/events", &reader, "{").await.assert_problem(403, "not_permitted");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_with_the_byte() {
    let door = Door::open().await;
    let check = async |body: Vec<u8>, offset: u64| {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = door.post("/v1/events", ACME, body).await;
        let problem = answer.assert_problem(400, "malformed");
        assert_eq!(problem["offset"], json!(offset), "{shown}: {problem}");
    };
    check(b"".to_vec(), 0).await;
    check(b"{".to_vec(), 1).await;
    check(b"\xEF\xBB\xBF{}".to_vec(), 0).await;
    check(b"{\"id\":\"\xff\"}".to_vec(), 7).await;
    check(br#"{"id":"\ud800"}"#.to_vec(), 13).await;
    check(br#"{"id":NaN}"#.to_vec(), 6).await;
    check(br#"{"id":"1","id":"2"}"#.to_vec(), 13).await;
    check(br#"{"variables":{"a":1,"a":2}}"#.to_vec(), 22).await;
    check("[".repeat(100_000).into_bytes(), 64).await;
    check(vec![b'['; 1024 * 1024], 64).await;
    check("9".repeat(1_000_000).into_bytes(), 0).await;
    check(b"{} {}".to_vec(), 3).await;
    assert_eq!(events_count(&door).await, 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_not_json_is_refused_unread() {
    let door = Door::open().await;
    let post = |length: Option<&str>, media_type: Option<&str>, encoding: Option<&str>| {
        let mut post = request("POST", "/v1/events", Some(ACME));
        for (name, value) in [
            ("content-length", length),
            ("content-type", media_type),
            ("content-encoding", encoding),
        ] {
            if let Some(value) = value {
                post = post.header(name, value);
            }
        }
        post
    };
    let json = Some("application/json");
    let endless = || Body::from_stream(futures_util::stream::pending::<Result<String, String>>());
    for length in ["1048577", "9999999999"] {
        let answer = door.send(post(Some(length), json, None).body(endless()).unwrap()).await;
        answer.assert_problem(413, "too_large");
        assert_eq!(answer.header("connection"), Some("close"));
    }
    let chunks = futures_util::stream::repeat_with(|| Ok::<_, String>(vec![b' '; 64 * 1024]));
    let answer = door.send(post(None, json, None).body(Body::from_stream(chunks)).unwrap()).await;
    answer.assert_problem(413, "too_large");
    let padded = |bytes: usize| {
        let event = user_added("u").to_string();
        " ".repeat(bytes - event.len()) + &event
    };
    let largest = door.post("/v1/events", ACME, padded(1024 * 1024)).await;
    assert_eq!(largest.status, 202, "{}", largest.text);
    door.post("/v1/events", ACME, padded(1024 * 1024 + 1)).await.assert_problem(413, "too_large");
    for (media_type, encoding) in [
        (None, None),
        (Some("text/plain"), None),
        (Some("application/x-www-form-urlencoded"), None),
        (Some("multipart/form-data; boundary=x"), None),
        (Some("application/jsonp"), None),
        (Some("application/json; charset=latin1"), None),
        (json, Some("gzip")),
        (json, Some("zstd")),
        (json, Some("identity, gzip")),
    ] {
        let answer = door.send(post(None, media_type, encoding).body(endless()).unwrap()).await;
        answer.assert_problem(415, "unsupported_media_type");
    }
    let plain = post(None, Some("Application/JSON; charset=UTF-8"), Some("identity"));
    let answer = door.send(plain.body(Body::from(user_added("u").to_string())).unwrap()).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn an_event_that_is_wrong_refuses_all_and_names_each_place() {
    let door = Door::open().await;
    door.added(ACME, json!({})).await;
    let batch = json!([
        user_added("u1"),
        { "trigger": "UserAdded" },
        { "trigger": "user added", "id": "u", "colour": "red" },
    ]);
    let answer = door.fire(ACME, batch).await;
    answer.assert_problem(422, "invalid_event");
    insta::assert_json_snapshot!("invalid_events", answer.json());
    let empty = door.fire(ACME, json!([])).await;
    empty.assert_problem(422, "invalid_event");
    let many: Vec<Value> = (0..1_001).map(|n| user_added(&n.to_string())).collect();
    door.fire(ACME, many.into()).await.assert_problem(422, "invalid_event");
    let problem =
        door.fire(ACME, json!([user_added("u1"), { "trigger": "NoSuch", "id": "1" }])).await;
    let problem = problem.assert_problem(422, "unknown_trigger");
    assert_eq!((&problem["index"], &problem["pointer"]), (&json!(1), &json!("/1/trigger")));
    for odd in ["User%", "User_", "..", "UserAdded' OR 1=1", &"A".repeat(300)] {
        let answer = door.fire(ACME, json!({ "trigger": odd, "id": "1" })).await;
        assert_eq!(answer.status, 422, "{odd}");
    }
    assert_eq!(events_count(&door).await, 0);
}

#[tokio::test]
async fn who_hears_an_event_follows_from_the_token_and_the_owner() {
    let door = Door::open().await;
    door.added(ACME, json!({})).await;
    door.added(OTHER, json!({})).await;
    door.source.owned("of-other", &[door.other.id]);
    door.source.owned("of-both", &[door.acme.id, door.other.id]);
    let deliveries = async |token: &str, event: Value| {
        let answer = door.fire(token, event).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json()["events"][0]["deliveries"].as_u64().unwrap()
    };
    let of = |id: &str, application: &str| {
        let mut event = user_added(id);
        event["application"] = json!(application);
        event
    };
    assert_eq!(deliveries(ACME, user_added("unknown")).await, 1);
    assert_eq!(deliveries(ACME, of("u", "acme")).await, 1);
    assert_eq!(deliveries(OPERATOR, user_added("unknown")).await, 2);
    assert_eq!(deliveries(OPERATOR, user_added("of-other")).await, 1);
    assert_eq!(deliveries(OPERATOR, of("u", "acme")).await, 1);
    door.fire(ACME, of("u", "other")).await.assert_problem(403, "not_permitted");
    door.fire(ACME, of("u", "nobody")).await.assert_problem(403, "not_permitted");
    door.fire(OPERATOR, of("u", "nobody")).await.assert_problem(404, "unknown_application");
    let problem = door.fire(OPERATOR, user_added("of-both")).await;
    let problem = problem.assert_problem(422, "invalid_event");
    assert_eq!(problem["pointer"], "/application");
    *door.source.is_down.lock().unwrap() = true;
    let answer = door.fire(OPERATOR, user_added("u")).await;
    answer.assert_problem(503, "storage_unavailable");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn the_source_may_be_left_out_where_there_is_only_one() {
    let one = Door::open().await;
    let elsewhere = json!({ "trigger": "UserAdded", "id": "u", "source": "shop" });
    one.fire(ACME, elsewhere.clone()).await.assert_problem(404, "unknown_source");
    let two = Door::with(|_| (), vec![FakeSource::named("shop")]).await;
    assert_eq!(two.fire(ACME, elsewhere).await.status, 202);
    let problem = two.fire(ACME, user_added("u")).await;
    let problem = problem.assert_problem(422, "invalid_event");
    assert_eq!(problem["pointer"], "/source");
}

#[tokio::test]
async fn the_same_key_gives_the_same_event_and_other_content_is_refused() {
    let door = Door::open().await;
    door.added(ACME, json!({})).await;
    let event = json!({ "trigger": "UserAdded", "id": "u", "idempotencyKey": "k-1" });
    let first = door.fire(ACME, event.clone()).await.json()["events"][0].clone();
    door.clock.pass_ms(DAY_MS);
    let again = door.fire(ACME, event.clone()).await.json()["events"][0].clone();
    assert_eq!(again["id"], first["id"]);
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    let mut changed = event.clone();
    changed["id"] = json!("another");
    let problem = door.fire(ACME, json!([user_added("x"), changed])).await;
    let problem = problem.assert_problem(409, "idempotency_conflict");
    assert!(problem["detail"].as_str().unwrap().contains("`k-1`"), "{problem}");
    assert_eq!(problem["pointer"], "/1/idempotencyKey");
    let of_other = door.fire(OTHER, event).await.json()["events"][0].clone();
    assert_ne!(of_other["id"], first["id"]);
    assert_eq!(events_count(&door).await, 2);
}

#[tokio::test]
async fn a_request_makes_at_most_ten_thousand_deliveries() {
    let door = Door::open().await;
    for n in 0..11 {
        door.added(ACME, json!({ "name": format!("w{n}") })).await;
    }
    let many: Vec<Value> = (0..910).map(|n| user_added(&n.to_string())).collect();
    door.fire(ACME, many.into()).await.assert_problem(413, "fan_out_too_large");
    assert_eq!(events_count(&door).await, 0);
    let fewer: Vec<Value> = (0..909).map(|n| user_added(&n.to_string())).collect();
    assert_eq!(door.fire(ACME, fewer.into()).await.status, 202);
}

#[tokio::test]
async fn a_catalog_that_changes_meanwhile_is_matched_again_a_few_times() {
    let door = Door::open().await;
    door.ingest.stale_left.store(3, Ordering::SeqCst);
    assert_eq!(door.fire(ACME, user_added("u")).await.status, 202);
    door.ingest.stale_left.store(1_000, Ordering::SeqCst);
    let answer = door.fire(ACME, user_added("u")).await;
    answer.assert_problem(503, "overloaded");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

/// A request whose body does not come. It is on its way when this returns.
async fn begin(door: &Arc<Door>, token: &'static str) -> JoinHandle<()> {
    let read = Arc::new(Notify::new());
    let (door, was_read) = (Arc::clone(door), Arc::clone(&read));
    let body = stream::poll_fn(move |_| -> Poll<Option<Result<Bytes, std::io::Error>>> {
        was_read.notify_one();
        Poll::Pending
    });
    let begun = tokio::spawn(async move {
        door.post("/v1/events", token, Body::from_stream(body)).await;
    });
    read.notified().await;
    begun
}

#[tokio::test]
async fn requests_at_a_time_are_bounded_and_one_application_leaves_room() {
    let door = Arc::new(Door::with(|settings| settings.ingest_in_flight_max = 4, Vec::new()).await);
    let mut begun = vec![begin(&door, ACME).await, begin(&door, ACME).await];
    let answer = door.fire(ACME, user_added("u")).await;
    answer.assert_problem(429, "rate_limited");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(door.fire(OTHER, user_added("u")).await.status, 202);
    begun.extend([begin(&door, OTHER).await, begin(&door, OTHER).await]);
    let answer = door.fire(OPERATOR, user_added("u")).await;
    answer.assert_problem(503, "overloaded");
    assert_eq!(answer.header("retry-after"), Some("1"));
    for request in begun {
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
    }
    assert_eq!(door.fire(ACME, user_added("u")).await.status, 202);
}
