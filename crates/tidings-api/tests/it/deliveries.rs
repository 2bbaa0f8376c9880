//! Events and deliveries as they are shown, tests, replays and notices.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tidings_store::Clock;

use crate::support::{ACME, Door, OPERATOR};

const DELIVERY: &str = "id event { id trigger entity source application date variables } \
    webhook { id name } state reason due deadline payload payloadBytes replayOf test added \
    finished \
    attempts { number started durationMs outcome status error requestHeaders { name value } \
    responseHeaders { name value } responseBody responseBodyTruncated }";

async fn one_delivery(door: &Door) -> String {
    door.added(ACME, json!({})).await;
    let event = json!({ "trigger": "UserAdded", "id": "u1", "variables": { "locale": "en_GB" } });
    assert_eq!(door.fire(ACME, event).await.status, 202);
    let data = door.graphql(ACME, "{ getDeliveries { items { id } } }", json!({})).await;
    data["getDeliveries"]["items"][0]["id"].as_str().unwrap().to_owned()
}

async fn delivery(door: &Door, id: &str) -> Value {
    let query = format!(
        "query($id: ID!) {{ getDelivery(id: $id) {{ ... on Delivery {{ {DELIVERY} }} }} \
         }}"
    );
    door.graphql(ACME, &query, json!({ "id": id })).await["getDelivery"].clone()
}

#[tokio::test]
async fn a_delivery_tells_what_became_of_an_event_and_why() {
    let door = Door::open().await;
    let id = one_delivery(&door).await;
    insta::assert_json_snapshot!("delivery_pending", delivery(&door, &id).await);
    door.ingest.deliver(door.clock.now()).await;
    insta::assert_json_snapshot!("delivery_delivered", delivery(&door, &id).await);
}

#[tokio::test]
async fn a_webhook_that_was_deleted_shows_plainly_that_nothing_waits_for_it() {
    let door = Door::open().await;
    let id = one_delivery(&door).await;
    let delete = "mutation { deleteWebhook(id: 1) { __typename } }";
    door.graphql(ACME, delete, json!({})).await;
    let query = "query($id: ID!) { getDelivery(id: $id) { ... on Delivery { state webhook { id \
        health { breakerOpen consecutiveFailures waiting oldestDue lastSuccess } } } } }";
    let shown = door.graphql(ACME, query, json!({ "id": id })).await["getDelivery"].clone();
    let health = json!({
        "breakerOpen": false, "consecutiveFailures": 0, "waiting": 0, "oldestDue": null,
        "lastSuccess": null,
    });
    assert_eq!((&shown["state"], &shown["webhook"]["health"]), (&json!("CANCELLED"), &health));
}

#[tokio::test]
async fn an_event_shows_its_deliveries_and_a_webhook_its_own() {
    let door = Door::open().await;
    let id = one_delivery(&door).await;
    door.added(ACME, json!({ "name": "later" })).await;
    let query = "{ getEvents { items { id deliveries { id } } } \
        getWebhooks { items { name health { breakerOpen consecutiveFailures waiting oldestDue \
        lastSuccess } deliveries { items { id } hasNextPage } } } }";
    let data = door.graphql(ACME, query, json!({})).await;
    assert_eq!(data["getEvents"]["items"][0]["deliveries"], json!([{ "id": id }]));
    insta::assert_json_snapshot!("webhooks_with_health", data["getWebhooks"]);
    let event = &data["getEvents"]["items"][0]["id"];
    let get = "query($id: ID!) { getEvent(id: $id) { ... on Event { trigger entity date } } }";
    let shown = door.graphql(ACME, get, json!({ "id": event })).await;
    assert_eq!(shown["getEvent"]["entity"], "u1");
}

#[tokio::test]
async fn deliveries_are_filtered_and_paged() {
    let door = Door::open().await;
    let webhook = door.added(ACME, json!({})).await;
    let events: Vec<Value> =
        (0..5).map(|n| json!({ "trigger": "UserAdded", "id": format!("u{n}") })).collect();
    door.fire(ACME, events.into()).await;
    let list = "query($filter: DeliveryFilter, $first: Int, $after: String) { \
        getDeliveries(filter: $filter, first: $first, after: $after) { \
        items { id event { entity } } endCursor hasNextPage } }";
    let page =
        async |variables: Value| door.graphql(ACME, list, variables).await["getDeliveries"].clone();
    let first = page(json!({ "first": 3 })).await;
    assert_eq!(
        (first["items"].as_array().unwrap().len(), &first["hasNextPage"]),
        (3, &json!(true))
    );
    let second = page(json!({ "first": 3, "after": first["endCursor"] })).await;
    assert_eq!(
        (second["items"].as_array().unwrap().len(), &second["hasNextPage"]),
        (2, &json!(false))
    );
    let end = page(json!({ "after": second["endCursor"] })).await;
    assert_eq!((&end["items"], &end["endCursor"]), (&json!([]), &Value::Null));
    for (filter, count) in [
        (json!({ "webhook": webhook }), 5),
        (json!({ "webhook": "999" }), 0),
        (json!({ "entity": "u3" }), 1),
        (json!({ "trigger": "UserAdded", "state": ["PENDING", "HELD"] }), 5),
        (json!({ "state": ["DELIVERED"] }), 0),
        (json!({ "application": "acme", "from": "2021-02-17T08:48:47.284Z" }), 5),
        (json!({ "until": "2021-02-17T08:48:47.284Z" }), 0),
    ] {
        let found = page(json!({ "filter": filter })).await;
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{filter}");
    }
    for variables in [
        json!({ "first": 0 }),
        json!({ "first": 201 }),
        json!({ "first": -1 }),
        json!({ "after": "bm9uZQ" }),
        json!({ "filter": { "trigger": "no%" } }),
        json!({ "filter": { "application": "nobody" } }),
    ] {
        let body = json!({ "query": list, "variables": variables }).to_string();
        let value = door.post("/v1/graphql", ACME, body).await.json();
        let code = value["errors"][0]["extensions"]["code"].as_str().unwrap();
        assert!(matches!(code, "INVALID_INPUT" | "NOT_FOUND"), "{variables}: {value}");
    }
}

#[tokio::test]
async fn a_test_is_an_ordinary_delivery_that_is_flagged_and_answered_once_tried() {
    let door = Door::open().await;
    let id = door.added(ACME, json!({})).await;
    door.added(ACME, json!({ "name": "not tested" })).await;
    door.ingest.delivers.store(true, Ordering::SeqCst);
    let test = format!(
        "mutation($id: ID!, $trigger: String!) {{ \
         testWebhook(id: $id, trigger: $trigger, entity: \"u1\") {{ __typename \
         ... on Delivery {{ {DELIVERY} }} ... on OperationFailure {{ code problems {{ path }} }} \
         }} }}"
    );
    let tested = door.graphql(ACME, &test, json!({ "id": id, "trigger": "UserAdded" })).await;
    insta::assert_json_snapshot!("test_delivery", tested["testWebhook"]);
    let other = door.graphql(ACME, &test, json!({ "id": id, "trigger": "OrderAdded" })).await;
    assert_eq!(other["testWebhook"]["problems"][0]["path"], "/trigger");
    let all = door.graphql(ACME, "{ getDeliveries { items { id } } }", json!({})).await;
    assert_eq!(all["getDeliveries"]["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_test_that_is_never_tried_is_answered_when_its_time_is_over() {
    let door = Door::open().await;
    let id = door.added(ACME, json!({ "timeoutMs": 1_000 })).await;
    let started = door.clock.now();
    let test = "mutation($id: ID!) { testWebhook(id: $id, trigger: \"UserAdded\", entity: \"u1\") \
     { \
        ... on Delivery { state test attempts { number } } } }";
    let tested = door.graphql(ACME, test, json!({ "id": id })).await;
    assert_eq!(tested["testWebhook"], json!({ "state": "PENDING", "test": true, "attempts": [] }));
    assert_eq!(door.clock.now().elapsed.since_ms(started.elapsed), 16_000);
}

#[tokio::test]
async fn a_delivery_is_replayed_once_at_a_time_and_cancelled_before_its_end() {
    let door = Door::open().await;
    let id = one_delivery(&door).await;
    door.ingest.deliver(door.clock.now()).await;
    let replay = "mutation($id: ID!) { replayDelivery(id: $id) { \
        ... on Delivery { id state replayOf } ... on OperationFailure { code } } }";
    let first = door.graphql(ACME, replay, json!({ "id": id })).await["replayDelivery"].clone();
    assert_eq!((&first["state"], &first["replayOf"]), (&json!("PENDING"), &json!(id)));
    let again = door.graphql(ACME, replay, json!({ "id": id })).await["replayDelivery"].clone();
    assert_eq!(again["id"], first["id"]);
    let cancel = "mutation($id: ID!) { cancelDelivery(id: $id) { \
        ... on Delivery { state reason finished } ... on OperationFailure { code } } }";
    let cancelled = door.graphql(ACME, cancel, json!({ "id": first["id"] })).await;
    insta::assert_json_snapshot!("cancelled", cancelled["cancelDelivery"]);
    let again = door.graphql(ACME, cancel, json!({ "id": first["id"] })).await;
    assert_eq!(again, cancelled);
    let ended = door.graphql(ACME, cancel, json!({ "id": id })).await;
    assert_eq!(ended["cancelDelivery"], json!({ "code": "INVALID_INPUT" }));
    let all = "mutation { replayDeliveries(filter: { state: [DELIVERED] }) { \
        ... on ReplayStarted { count } ... on OperationFailure { code } } }";
    let count = door.graphql(ACME, all, json!({})).await["replayDeliveries"]["count"].clone();
    assert_eq!(count, 1);
    let again = door.graphql(ACME, all, json!({})).await["replayDeliveries"]["count"].clone();
    assert_eq!(again, 0);
}

#[tokio::test]
async fn sources_triggers_and_notices_are_listed() {
    let door = Door::open().await;
    let query = "{ getSources { name api anyTrigger } getTriggers(source: \"platform\") { \
        name source alsoHeardAs } getNotices { items { id application webhook kind text count \
        first last } endCursor hasNextPage } }";
    insta::assert_json_snapshot!("sources", door.graphql(OPERATOR, query, json!({})).await);
}
