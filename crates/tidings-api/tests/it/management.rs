//! Failures in two languages, and with every code that the schema has.

use serde_json::json;

use crate::support::{ACME, Door};

#[tokio::test]
async fn a_failure_is_described_in_the_language_asked_for() {
    let door = Door::open().await;
    let query = "{ getWebhook(id: \"99\") { ... on OperationFailure { code en: description \
        cy: description(locale: cy_GB) problems { path } } } }";
    insta::assert_json_snapshot!("failure", door.graphql(ACME, query, json!({})).await);
}

#[tokio::test]
async fn an_update_of_nothing_changes_nothing_but_the_time() {
    let door = Door::open().await;
    let id = door.added(ACME, json!({})).await;
    let query = "query($id: ID!) { getWebhook(id: $id) { ... on Webhook { id application name \
     source \
        triggers url query queries { trigger query } variables timeoutMs success retry { delaysS \
        horizonS } payload headers { name value } errors { code action } status statusReason \
        keyFingerprint added updated } } }";
    let before = door.graphql(ACME, query, json!({ "id": id })).await;
    insta::assert_json_snapshot!("webhook", before);
    door.clock.pass_ms(1_000);
    let update = "mutation($id: ID!) { updateWebhook(id: $id, input: {}) { __typename } }";
    door.graphql(ACME, update, json!({ "id": id })).await;
    let mut after = door.graphql(ACME, query, json!({ "id": id })).await;
    assert_eq!(after["getWebhook"]["updated"], "2021-02-17T08:48:48.284Z");
    after["getWebhook"]["updated"] = before["getWebhook"]["updated"].clone();
    assert_eq!(after, before);
}
