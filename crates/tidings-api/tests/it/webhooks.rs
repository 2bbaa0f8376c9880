//! Adding, changing and rotating webhooks.

use serde_json::{Value, json};
use tidings_core::{access::Scope, delivery::ReasonCode, ids::WebhookId, webhook::Status};
use tidings_store::{Clock, Store};

use crate::support::{ACME, Door, FakeSource, OPERATOR};

const UPDATE: &str = "mutation($id: ID!, $input: UpdateWebhookInput!) { \
    updateWebhook(id: $id, input: $input) { __typename \
    ... on Webhook { name triggers url query queries { trigger query } variables timeoutMs success \
    retry { delaysS horizonS } payload headers { name value } errors { code action } status \
    statusReason keyFingerprint } \
    ... on OperationFailure { code problems { path message line column } } } }";

async fn update(door: &Door, id: &str, input: Value) -> Value {
    let data = door.graphql(ACME, UPDATE, json!({ "id": id, "input": input })).await;
    data["updateWebhook"].clone()
}

fn paths(failure: &Value) -> Vec<&str> {
    assert_eq!(failure["code"], "INVALID_INPUT", "{failure}");
    let problems = failure["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_webhook_without_a_key_is_given_one_that_is_shown_once() {
    let door = Door::open().await;
    let added = door.add_webhook(ACME, json!({})).await;
    let key = added["key"].as_str().unwrap();
    assert_eq!((key.len(), key.is_ascii()), (43, true));
    let secret = added["standardWebhooksSecret"].as_str().unwrap();
    let decoded = tidings_verify_key(secret);
    assert_eq!(decoded, key.as_bytes());
    let shown =
        door.graphql(ACME, "{ getWebhooks { items { id keyFingerprint } } }", json!({})).await;
    assert!(!shown.to_string().contains(key));
    assert_eq!(added["webhook"]["keyFingerprint"].as_str().unwrap().len(), 8);
}

fn tidings_verify_key(secret: &str) -> Vec<u8> {
    use base64::Engine;
    let encoded = secret.strip_prefix("whsec_").unwrap();
    base64::engine::general_purpose::STANDARD.decode(encoded).unwrap()
}

#[tokio::test]
async fn a_key_may_be_given_or_wished_away() {
    let door = Door::open().await;
    let unsigned = door.add_webhook(ACME, json!({ "key": null })).await;
    assert_eq!(unsigned["webhook"]["keyFingerprint"], Value::Null);
    assert_eq!(
        (&unsigned["key"], &unsigned["standardWebhooksSecret"]),
        (&Value::Null, &Value::Null)
    );
    let plain = door.add_webhook(ACME, json!({ "key": "sharedSecret" })).await;
    let decoded = door.add_webhook(ACME, json!({ "key": "whsec_c2hhcmVkU2VjcmV0" })).await;
    assert_eq!(plain["webhook"]["keyFingerprint"], decoded["webhook"]["keyFingerprint"]);
    assert_eq!(plain["standardWebhooksSecret"], "whsec_c2hhcmVkU2VjcmV0");
    assert_eq!(plain["warnings"][0]["path"], "/input/key");
    assert_eq!(plain["key"], Value::Null);
    for key in ["", "elevenbytes", &"k".repeat(257), "whsec_!", "whsec_c2hvcnQ="] {
        let refused = door.add_webhook(ACME, json!({ "key": key })).await;
        assert_eq!(paths(&refused), ["/input/key"], "{key}");
        assert!(key.is_empty() || !refused.to_string().contains(key), "{refused}");
    }
}

#[tokio::test]
async fn every_fault_of_a_webhook_is_told_at_once() {
    let door = Door::open().await;
    let refused = door
        .add_webhook(
            ACME,
            json!({
                "name": " ", "triggers": ["UserAdded", "NoSuch", "UserAdded", "x y"],
                "url": "http://example.com", "key": "short", "timeoutMs": 99,
                "query": "query($id: ID!, $locale: String!) {\n  getUser(id: $id) { naem } }",
                "queries": [{ "trigger": "OrderAdded", "query": "{ __typename }" }],
                "retry": { "delaysS": [0, 5], "horizonS": 999_999 },
                "headers": [{ "name": "Host", "value": "a\r\nb" }],
                "errors": [{ "code": "", "action": "DROP" }],
                "variables": [],
            }),
        )
        .await;
    insta::assert_json_snapshot!("every_fault_at_once", refused);
}

#[tokio::test]
async fn a_query_is_checked_against_the_source_with_its_place() {
    let door = Door::open().await;
    let check = async |input: Value, expected: &[&str]| {
        let refused = door.add_webhook(ACME, input.clone()).await;
        assert_eq!(paths(&refused), expected, "{input}: {refused}");
        refused
    };
    let refused = check(
        json!({ "query": "query($id: ID!) {\n  getUser(id: $id) { naem } }" }),
        &["/input/query"],
    )
    .await;
    let problem = &refused["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&json!(2), &json!(22)), "{problem}");
    assert!(problem["message"].as_str().unwrap().contains("name"), "{problem}");
    check(json!({ "query": "mutation { deleteUser(id: 1) { id } }" }), &["/input/query"]).await;
    check(json!({ "query": "{ getWebhooks { items { id } } }" }), &["/input/query"]).await;
    check(json!({ "query": null }), &["/input/query"]).await;
    let needs = "query($id: ID!, $locale: String!) { getUser(id: $id, locale: $locale) { id } }";
    check(json!({ "query": needs }), &["/input/query"]).await;
    check(json!({ "query": needs, "variables": { "locale": 7 } }), &["/input/variables/locale"])
        .await;
    check(json!({ "variables": { "colour": "red" } }), &["/input/variables/colour"]).await;
    let of_order = json!([{ "trigger": "OrderAdded", "query": "{ nothing }" }]);
    check(
        json!({ "triggers": ["UserAdded", "OrderAdded"], "queries": of_order }),
        &["/input/queries/0/query"],
    )
    .await;
    let both = json!([
        { "trigger": "UserAdded", "query": "{ nothing }" },
        { "trigger": "UserAdded", "query": "{ __typename }" },
    ]);
    check(json!({ "queries": both }), &["/input/queries/1/trigger"]).await;
    let warned = door
        .add_webhook(ACME, json!({ "query": "query($id: ID!) { getUser(id: $id) { nick } }" }))
        .await;
    assert_eq!(warned["warnings"][0]["path"], "/input/query", "{warned}");
    let given = json!({ "query": needs, "variables": { "locale": "en_GB" } });
    assert_eq!(door.add_webhook(ACME, given).await["__typename"], "WebhookAdded");
}

#[tokio::test]
async fn bounds_are_kept_on_both_sides() {
    let door = Door::open().await;
    let check = async |input: Value, expected: &[&str]| {
        let answer = door.add_webhook(ACME, input.clone()).await;
        if expected.is_empty() {
            assert_eq!(answer["__typename"], "WebhookAdded", "{input}: {answer}");
        } else {
            assert_eq!(paths(&answer), expected, "{input}: {answer}");
        }
    };
    for (value, is_taken) in
        [(99, false), (100, true), (30_000, true), (30_001, false), (-1, false)]
    {
        let expected: &[&str] = if is_taken { &[] } else { &["/input/timeoutMs"] };
        check(json!({ "timeoutMs": value }), expected).await;
    }
    for (retry, expected) in [
        (json!({}), vec![]),
        (json!({ "delaysS": [1, 86_400], "horizonS": 259_200 }), vec![]),
        (json!({ "horizonS": 0 }), vec![]),
        (json!({ "horizonS": 259_201 }), vec!["/input/retry/horizonS"]),
        (json!({ "horizonS": -1 }), vec!["/input/retry/horizonS"]),
        (json!({ "delaysS": [] }), vec!["/input/retry/delaysS"]),
        (json!({ "delaysS": vec![1; 65] }), vec!["/input/retry/delaysS"]),
        (
            json!({ "delaysS": [86_401, 1, 0] }),
            vec!["/input/retry/delaysS/0", "/input/retry/delaysS/2"],
        ),
    ] {
        check(json!({ "retry": retry }), &expected).await;
    }
    let rule = |code: &str| json!({ "code": code, "action": "RETRY" });
    check(json!({ "errors": vec![rule("A"); 2] }), &["/input/errors/1/code"]).await;
    let many: Vec<Value> = (0..33).map(|n| rule(&n.to_string())).collect();
    check(json!({ "errors": many }), &["/input/errors"]).await;
    check(json!({ "triggers": [] }), &["/input/triggers"]).await;
    check(json!({ "triggers": vec!["UserAdded"; 65] }), &["/input/triggers"]).await;
    check(json!({ "triggers": ["AccountAdded", "AccountUpdated"] }), &[]).await;
    check(json!({ "name": "n".repeat(201) }), &["/input/name"]).await;
    check(json!({ "variables": { "locale": "x".repeat(17_000) } }), &["/input/variables"]).await;
    check(json!({ "source": "shop" }), &["/input/source"]).await;
}

#[tokio::test]
async fn an_update_keeps_what_is_absent_and_clears_what_is_null() {
    let door = Door::open().await;
    let id = door
        .added(
            ACME,
            json!({
                "key": "sharedSecret-of-24-bytes!", "timeoutMs": 500, "success": "ANY_2XX",
                "payload": "FRESH", "retry": { "delaysS": [7], "horizonS": 60 },
                "headers": [{ "name": "X-Api-Key", "value": "canary-header" }],
                "errors": [{ "code": "GONE", "action": "DROP" }],
            }),
        )
        .await;
    insta::assert_json_snapshot!("renamed", update(&door, &id, json!({ "name": "renamed" })).await);
    let cleared = json!({
        "timeoutMs": null, "success": null, "payload": null, "retry": null, "headers": null,
        "errors": null, "key": null,
    });
    insta::assert_json_snapshot!("cleared", update(&door, &id, cleared).await);
    let refused = update(&door, &id, json!({ "name": null, "url": null, "triggers": null })).await;
    assert_eq!(paths(&refused), ["/input/name", "/input/triggers", "/input/url"]);
    let refused =
        update(&door, &id, json!({ "triggers": ["UserAdded", "OrderAdded"], "query": null })).await;
    assert_eq!(paths(&refused), ["/input/query"]);
}

#[tokio::test]
async fn a_webhook_that_was_held_flows_again_when_its_query_is_mended() {
    let door = Door::open().await;
    let id = door.added(ACME, json!({})).await;
    let number: WebhookId = id.parse().unwrap();
    let mut held = door.store.webhook(number).await.unwrap().unwrap().as_ref().clone();
    let now = door.clock.now();
    held.set_status(
        Status::Held { why: "no field `nmae`".to_owned(), code: ReasonCode::QueryBroken },
        now.elapsed,
    );
    door.store.update_webhook(now, held).await.unwrap();
    let renamed = update(&door, &id, json!({ "name": "still held" })).await;
    assert_eq!(
        (&renamed["status"], &renamed["statusReason"]),
        (
            &json!("HELD"),
            &json!(
                "no field \
     `nmae`"
            )
        )
    );
    let broken = update(&door, &id, json!({ "query": "{ nothing }" })).await;
    assert_eq!(paths(&broken), ["/input/query"]);
    let mended =
        update(&door, &id, json!({ "query": "query($id: ID!) { getUser(id: $id) { id } }" })).await;
    assert_eq!((&mended["status"], &mended["statusReason"]), (&json!("ACTIVE"), &Value::Null));
}

#[tokio::test]
async fn a_webhook_is_paused_resumed_and_deleted() {
    let door = Door::open().await;
    let id = door.added(ACME, json!({})).await;
    for (mutation, status) in
        [("pauseWebhook", "PAUSED"), ("resumeWebhook", "ACTIVE"), ("deleteWebhook", "ACTIVE")]
    {
        let text = format!(
            "mutation($id: ID!) {{ {mutation}(id: $id) {{ ... on Webhook {{ status \
         }} }} }}"
        );
        let data = door.graphql(ACME, &text, json!({ "id": id })).await;
        assert_eq!(data[mutation]["status"], status, "{mutation}");
    }
    let get = "query($id: ID!) { getWebhook(id: $id) { __typename ... on OperationFailure { code } \
     } }";
    let gone = door.graphql(ACME, get, json!({ "id": id })).await;
    assert_eq!(gone["getWebhook"]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn what_should_be_changed_is_told_after_an_update_and_when_it_is_looked_at() {
    let door = Door::open().await;
    let id = door.added(ACME, json!({})).await;
    let update = "mutation($id: ID!, $input: UpdateWebhookInput!) { \
        updateWebhook(id: $id, input: $input) { ... on Webhook { warnings { path message } } } }";
    let given = json!({ "id": id, "input": { "key": "only-16-bytes-it" } });
    let updated = door.graphql(ACME, update, given).await["updateWebhook"]["warnings"].clone();
    assert_eq!(updated[0]["path"], "/input/key", "{updated}");
    let get = "query($id: ID!) { getWebhook(id: $id) { ... on Webhook { warnings { path } } } }";
    let shown = door.graphql(ACME, get, json!({ "id": id })).await;
    assert_eq!(shown["getWebhook"]["warnings"], json!([{ "path": "/input/key" }]));
    let longer = json!({ "id": id, "input": { "key": "k".repeat(24) } });
    let updated = door.graphql(ACME, update, longer).await;
    assert_eq!(updated["updateWebhook"]["warnings"], json!([]));
}

#[tokio::test]
async fn while_a_key_is_rotated_both_sign_and_then_the_new_one_alone() {
    let door = Door::open().await;
    let id = door.added(ACME, json!({ "key": "the-old-key-of-24-bytes!" })).await;
    let rotate = "mutation($id: ID!, $key: String, $overlapS: Int) { \
        rotateWebhookKey(id: $id, key: $key, overlapS: $overlapS) { __typename \
        ... on WebhookKeyRotated { key standardWebhooksSecret overlapUntil \
        webhook { keyFingerprint } } \
        ... on OperationFailure { code problems { path message } } } }";
    let signatures = async || {
        let preview = "mutation($id: ID!) { previewWebhook(id: $id, trigger: \"UserAdded\", \
         entity: \"u\") { \
            ... on Preview { headers { name value } body } } }";
        let data = door.graphql(ACME, preview, json!({ "id": id })).await;
        let headers = data["previewWebhook"]["headers"].as_array().unwrap().clone();
        let value = |name: &str| {
            let found = headers.iter().find(|header| header["name"] == name);
            found.map(|header| header["value"].as_str().unwrap().to_owned()).unwrap_or_default()
        };
        let body = data["previewWebhook"]["body"].as_str().unwrap().to_owned();
        (value("x-signature"), value("webhook-signature").split(' ').count(), body)
    };
    let given = json!({ "id": id, "key": "the-new-key-of-24-bytes!" });
    let rotated = door.graphql(ACME, rotate, given).await["rotateWebhookKey"].clone();
    assert_eq!(rotated["overlapUntil"], "2021-02-18T08:48:47.284Z", "{rotated}");
    let (sha1, count, body) = signatures().await;
    let old = tidings_verify::sign_sha1(b"the-old-key-of-24-bytes!", body.as_bytes());
    assert_eq!((sha1, count), (old, 2));
    door.clock.pass_ms(86_400_000);
    let (sha1, count, body) = signatures().await;
    let new = tidings_verify::sign_sha1(b"the-new-key-of-24-bytes!", body.as_bytes());
    assert_eq!((sha1, count), (new, 1));

    let made = door.graphql(ACME, rotate, json!({ "id": id })).await["rotateWebhookKey"].clone();
    assert_eq!(made["key"].as_str().unwrap().len(), 43);
    assert_eq!(signatures().await.1, 2);
    let finish = "mutation($id: ID!) { finishWebhookKeyRotation(id: $id) { ... on Webhook { \
     keyFingerprint } } }";
    let finished = door.graphql(ACME, finish, json!({ "id": id })).await;
    assert_eq!(
        finished["finishWebhookKeyRotation"]["keyFingerprint"],
        made["webhook"]["keyFingerprint"]
    );
    let (sha1, count, body) = signatures().await;
    let new = tidings_verify::sign_sha1(made["key"].as_str().unwrap().as_bytes(), body.as_bytes());
    assert_eq!((sha1, count), (new, 1));

    for (overlap_s, key, path) in
        [(-1, None, "/overlapS"), (2_592_001, None, "/overlapS"), (0, Some("short"), "/key")]
    {
        let given = json!({ "id": id, "key": key, "overlapS": overlap_s });
        let refused = door.graphql(ACME, rotate, given).await["rotateWebhookKey"].clone();
        assert_eq!(paths(&refused), [path]);
    }
    let at_once = door.graphql(ACME, rotate, json!({ "id": id, "overlapS": 0 })).await;
    assert_eq!(at_once["rotateWebhookKey"]["overlapUntil"], Value::Null);
    assert_eq!(signatures().await.1, 1);
    for _ in 0..3 {
        let again = door.graphql(ACME, rotate, json!({ "id": id })).await;
        assert_eq!(again["rotateWebhookKey"]["__typename"], "WebhookKeyRotated");
    }
    let many = door.graphql(ACME, rotate, json!({ "id": id })).await["rotateWebhookKey"].clone();
    assert_eq!(paths(&many), ["/id"]);
}

#[tokio::test]
async fn a_preview_is_the_exact_signed_request_and_nothing_is_stored() {
    let door = Door::open().await;
    let preview = "mutation($id: ID, $input: AddWebhookInput, $trigger: String!, $entity: ID!) { \
        previewWebhook(id: $id, input: $input, trigger: $trigger, entity: $entity) { __typename \
        ... on Preview { url headers { name value } body bytes cost durationMs } \
        ... on OperationFailure { code description problems { path message } } } }";
    let ask = async |id: Value, input: Value, trigger: &str, entity: &str| {
        let variables = json!({ "id": id, "input": input, "trigger": trigger, "entity": entity });
        door.graphql(ACME, preview, variables).await["previewWebhook"].clone()
    };
    let headers = json!([{ "name": "Authorization", "value": "canary-header" }]);
    let input = crate::support::webhook(json!({ "key": "sharedSecret", "headers": headers }));
    let shown = ask(Value::Null, input, "UserAdded", "u1").await;
    insta::assert_json_snapshot!("preview", shown);
    let body = shown["body"].as_str().unwrap();
    let signature = tidings_verify::sign_sha1(b"sharedSecret", body.as_bytes());
    assert!(shown.to_string().contains(&signature));
    let call = door.source.calls.lock().unwrap()[0].clone();
    assert_eq!(call.identity.application, door.acme.id);
    assert_eq!(door.store.catalog().await.unwrap().webhooks().count(), 0);

    let id = json!(door.added(ACME, json!({})).await);
    assert_eq!(ask(id.clone(), Value::Null, "UserAdded", "u").await["__typename"], "Preview");
    assert_eq!(paths(&ask(id.clone(), Value::Null, "OrderAdded", "u").await), ["/trigger"]);
    assert_eq!(paths(&ask(id.clone(), Value::Null, "UserAdded", "").await), ["/entity"]);
    assert_eq!(paths(&ask(Value::Null, Value::Null, "UserAdded", "u").await), ["/id"]);
    *door.source.is_down.lock().unwrap() = true;
    let down = ask(id, Value::Null, "UserAdded", "u").await;
    assert_eq!(down["code"], "UNAVAILABLE", "{down}");
}

#[tokio::test]
async fn an_operator_names_the_application_and_a_scope_is_needed() {
    let door = Door::open().await;
    let unnamed = door.add_webhook(OPERATOR, json!({})).await;
    assert_eq!(paths(&unnamed), ["/input/application"]);
    let named = door.add_webhook(OPERATOR, json!({ "application": "acme" })).await;
    assert_eq!(named["__typename"], "WebhookAdded");
    assert_eq!(
        door.add_webhook(OPERATOR, json!({ "application": "x" })).await["code"],
        "NOT_FOUND"
    );
    let reader = door.token_with(&[Scope::ReadDeliveries, Scope::FireTriggers]).await;
    assert_eq!(door.add_webhook(&reader, json!({})).await["code"], "NOT_PERMITTED");
    let two = Door::with(|_| (), vec![FakeSource::named("shop")]).await;
    assert_eq!(paths(&two.add_webhook(ACME, json!({})).await), ["/input/source"]);
    assert_eq!(
        two.add_webhook(ACME, json!({ "source": "shop" })).await["__typename"],
        "WebhookAdded"
    );
}
