//! Canaries: what is secret is in no answer but the one that makes it, and not in what is stored.

use serde_json::json;
use tidings_store::{Clock, Store};

use crate::support::{ACME, Door, OPERATOR, webhook};

#[tokio::test]
async fn keys_header_values_and_tokens_are_shown_nowhere() {
    let door = Door::open().await;
    let secrets = json!({
        "key": "canary-signing-key-of-a-webhook",
        "headers": [{ "name": "Authorization", "value": "Bearer canary-header-value" }],
    });
    let id = door.added(ACME, secrets.clone()).await;
    door.fire(ACME, json!({ "trigger": "UserAdded", "id": "u1" })).await;
    door.ingest.deliver(door.clock.now()).await;
    let webhook_fields = "id name url query headers { name value } keyFingerprint statusReason";
    let everything = format!(
        "{{ getWebhooks {{ items {{ {webhook_fields} deliveries {{ items {{ id payload \
         attempts {{ error requestHeaders {{ name value }} }} }} }} }} }} getApplications {{ items \
         {{ name scopes }} }} getEvents {{ items {{ id variables }} }} getNotices {{ items {{ text \
         }} }} }}"
    );
    let preview = "mutation($id: ID!) { previewWebhook(id: $id, trigger: \"UserAdded\", entity: \
     \"u\") { \
        ... on Preview { url headers { name value } body } } }";
    let update = "mutation($id: ID!, $input: UpdateWebhookInput!) { updateWebhook(id: $id, input: \
     $input) { \
        ... on Webhook { headers { name value } } ... on OperationFailure { problems { message } } \
        } }";
    let wrong = json!({
        "key": "canary-key-that-is-far-too-long".repeat(20),
        "headers": [{ "name": "x", "value": "canary\r\nvalue" }],
    });
    for (token, query, variables) in [
        (OPERATOR, everything.as_str(), json!({})),
        (ACME, everything.as_str(), json!({})),
        (ACME, preview, json!({ "id": id })),
        (ACME, update, json!({ "id": id, "input": wrong })),
        (ACME, update, json!({ "id": id, "input": secrets })),
        (ACME, "query($t: String!) { getApplication(name: $t) { name } }", json!({ "t": "x" })),
        ("canary-wrong-token", "{ __typename }", json!({})),
    ] {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer = door.post("/v1/graphql", token, body).await;
        assert!(!answer.text.contains("canary"), "{query}: {}", answer.text);
        assert!(!answer.text.contains("Y2FuYXJ5"), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_store_sees_sealed_secrets_and_hashes_alone() {
    let door = Door::open().await;
    let headers = json!([{ "name": "X-Key", "value": "canary-header-value" }]);
    let input = webhook(json!({ "key": "canary-signing-key-here", "headers": headers }));
    door.added(ACME, input).await;
    let catalog = door.store.catalog().await.unwrap();
    for stored in catalog.webhooks() {
        let text = serde_json::to_string(&**stored).unwrap() + &format!("{stored:?}");
        assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
        assert_eq!((stored.keys.len(), stored.headers.len()), (1, 1));
    }
}
