//! An application sees and touches what is its own; another's is not there for it.

use serde_json::{Value, json};
use tidings_core::access::Scope;

use crate::support::{ACME, Door, OPERATOR, OTHER};

/// Everything that takes the id of something.
fn by_id(webhook: &str, event: &str, delivery: &str) -> Vec<String> {
    let id = |name: &str, id: &str, more: &str| {
        let kind = if name.starts_with("get") { "query" } else { "mutation" };
        format!(
            "{kind} {{ answer: {name}(id: \"{id}\"{more}) {{ __typename ... on \
         OperationFailure {{ code }} }} }}"
        )
    };
    vec![
        id("getWebhook", webhook, ""),
        id("getEvent", event, ""),
        id("getDelivery", delivery, ""),
        id("updateWebhook", webhook, ", input: { name: \"mine\" }"),
        id("deleteWebhook", webhook, ""),
        id("pauseWebhook", webhook, ""),
        id("resumeWebhook", webhook, ""),
        id("rotateWebhookKey", webhook, ""),
        id("finishWebhookKeyRotation", webhook, ""),
        id("previewWebhook", webhook, ", trigger: \"UserAdded\", entity: \"u\""),
        id("testWebhook", webhook, ", trigger: \"UserAdded\", entity: \"u\""),
        id("replayDelivery", delivery, ""),
        id("cancelDelivery", delivery, ""),
    ]
}

async fn scene() -> (Door, Vec<String>) {
    let door = Door::open().await;
    let webhook = door.added(ACME, json!({})).await;
    let fired = door.fire(ACME, json!({ "trigger": "UserAdded", "id": "u1" })).await.json();
    let event = fired["events"][0]["id"].as_str().unwrap();
    let list = door.graphql(ACME, "{ getDeliveries { items { id } } }", json!({})).await;
    let delivery = list["getDeliveries"]["items"][0]["id"].as_str().unwrap();
    let documents = by_id(&webhook, event, delivery);
    (door, documents)
}

#[tokio::test]
async fn what_is_anothers_is_not_found_by_any_field() {
    let (door, documents) = scene().await;
    for document in &documents {
        let answer = door.graphql(OTHER, document, json!({})).await["answer"].clone();
        assert_eq!(answer["code"], "NOT_FOUND", "{document}: {answer}");
    }
    for document in &documents {
        // The first delete of the owner's makes the rest not found, so it is left out here.
        if !document.contains("deleteWebhook") {
            let answer = door.graphql(ACME, document, json!({})).await["answer"].clone();
            assert_eq!(answer["code"], Value::Null, "{document}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_is_no_id_is_not_found_either() {
    let door = Door::open().await;
    for text in ["0", "-1", "x", "999", "../1", "1e3", "'; DROP TABLE webhook; --"] {
        for document in by_id(text, text, text) {
            let answer = door.graphql(ACME, &document, json!({})).await["answer"].clone();
            assert_eq!(answer["code"], "NOT_FOUND", "{document}: {answer}");
        }
    }
}

#[tokio::test]
async fn lists_and_bulk_commands_stay_within_the_application() {
    let (door, _) = scene().await;
    let lists = "{ getWebhooks { items { id } } getEvents { items { id } } getDeliveries { items \
        { id } } getNotices { items { id } } getApplications { items { name } } \
        getApplication(name: \"acme\") { name } }";
    let seen = door.graphql(OTHER, lists, json!({})).await;
    for list in ["getWebhooks", "getEvents", "getDeliveries", "getNotices"] {
        assert_eq!(seen[list]["items"], json!([]), "{list}");
    }
    assert_eq!(seen["getApplications"]["items"], json!([{ "name": "other" }]));
    assert_eq!(seen["getApplication"], Value::Null);
    let all = door.graphql(OPERATOR, lists, json!({})).await;
    assert_eq!(all["getApplications"]["items"].as_array().unwrap().len(), 2);
    assert_eq!(all["getDeliveries"]["items"].as_array().unwrap().len(), 1);
    let replay = "mutation { replayDeliveries(filter: {}) { ... on ReplayStarted { count } } }";
    let count = door.graphql(OTHER, replay, json!({})).await["replayDeliveries"]["count"].clone();
    assert_eq!(count, 0);
    for filter in ["{ application: \"acme\" }"] {
        for list in ["getWebhooks", "getEvents", "getDeliveries"] {
            let query = format!("{{ {list}(filter: {filter}) {{ items {{ id }} }} }}");
            let body = json!({ "query": query }).to_string();
            let value = door.post("/v1/graphql", OTHER, body).await.json();
            assert_eq!(value["errors"][0]["extensions"]["code"], "NOT_FOUND", "{query}: {value}");
        }
    }
}

#[tokio::test]
async fn an_event_for_all_shows_each_application_its_own_deliveries() {
    let door = Door::open().await;
    door.added(ACME, json!({})).await;
    door.added(OTHER, json!({})).await;
    door.fire(OPERATOR, json!({ "trigger": "UserAdded", "id": "u" })).await;
    let query = "{ getEvents { items { deliveries { webhook { application } } } } }";
    for (token, expected) in
        [(ACME, vec!["acme"]), (OTHER, vec!["other"]), (OPERATOR, vec!["acme", "other"])]
    {
        let seen = door.graphql(token, query, json!({})).await;
        let deliveries = seen["getEvents"]["items"][0]["deliveries"].as_array().unwrap().clone();
        let names: Vec<&str> = deliveries
            .iter()
            .map(|delivery| delivery["webhook"]["application"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn each_field_needs_its_scope() {
    let (door, documents) = scene().await;
    let fire_only = door.token_with(&[Scope::FireTriggers]).await;
    for document in &documents {
        let answer = door.graphql(&fire_only, document, json!({})).await["answer"].clone();
        assert_eq!(answer["code"], "NOT_PERMITTED", "{document}: {answer}");
    }
    let reader = door.token_with(&[Scope::ReadDeliveries, Scope::FireTriggers]).await;
    for document in documents.iter().filter(|document| document.starts_with("mutation")) {
        let answer = door.graphql(&reader, document, json!({})).await["answer"].clone();
        assert_eq!(answer["code"], "NOT_PERMITTED", "{document}: {answer}");
    }
    for query in [
        "{ getWebhooks { items { id } } }",
        "{ getEvents { items { id } } }",
        "{ \
     getDeliveries { items { id } } }",
        "{ getNotices { items { id } } }",
    ] {
        let body = json!({ "query": query }).to_string();
        let value = door.post("/v1/graphql", &fire_only, body.clone()).await.json();
        assert_eq!(value["errors"][0]["extensions"]["code"], "NOT_PERMITTED", "{query}: {value}");
        assert_eq!(
            door.post("/v1/graphql", &reader, body).await.json().get("errors"),
            None,
            "{query}"
        );
    }
}
