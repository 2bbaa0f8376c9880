//! Which URLs a webhook may have, and that nothing is called when one is saved.

use serde_json::json;

use crate::support::{ACME, Door, webhook};

const REFUSED: [&str; 34] = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://１２７．０．０．１/",
    "https://①②⑦.⓪.⓪.①/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[fe80::5efe:10.0.0.1]/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/",
    "https://metadata.google.internal/",
    "https://localhost/",
    "https://a.localhost:8443/",
    "https://0.0.0.0/",
    "https://255.255.255.255/",
    "http://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "ftp://example.com/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "https://user:secret@example.com/",
    "https://example.com/#fragment",
    "https://example.com/a\r\nHost: b",
    "not a url",
];

#[tokio::test]
async fn every_spelling_of_a_forbidden_url_is_refused_wherever_one_can_be_written() {
    let door = Door::open().await;
    let id = door.added(ACME, json!({})).await;
    let failed = "... on OperationFailure { code problems { path message } }";
    let update = format!(
        "mutation($id: ID!, $url: String!) {{ \
         updateWebhook(id: $id, input: {{ url: $url }}) {{ __typename {failed} }} }}"
    );
    let preview = format!(
        "mutation($input: AddWebhookInput) {{ \
         previewWebhook(input: $input, trigger: \"UserAdded\", entity: \"u\") {{ __typename \
         {failed} }} }}"
    );
    let long = format!("https://example.com/{}", "x".repeat(2_048));
    for url in REFUSED.into_iter().chain([long.as_str()]) {
        let added = door.add_webhook(ACME, json!({ "url": url })).await;
        let updated = door.graphql(ACME, &update, json!({ "id": id, "url": url })).await;
        let input = webhook(json!({ "url": url }));
        let previewed = door.graphql(ACME, &preview, json!({ "input": input })).await;
        for answer in [&added, &updated["updateWebhook"], &previewed["previewWebhook"]] {
            assert_eq!(answer["code"], "INVALID_INPUT", "{url}: {answer}");
            assert_eq!(answer["problems"][0]["path"], "/input/url", "{url}: {answer}");
            assert!(!answer.to_string().contains("secret"), "{url}: {answer}");
        }
    }
    assert!(door.source.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn saving_previewing_and_refusing_connect_to_nothing() {
    let honeypot = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = honeypot.local_addr().unwrap().port();
    let door = Door::open().await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001"] {
        let refused =
            door.add_webhook(ACME, json!({ "url": format!("https://{host}:{port}/") })).await;
        assert_eq!(refused["code"], "INVALID_INPUT", "{host}");
    }
    let id = door.added(ACME, json!({ "url": "https://receiver.example.com/" })).await;
    let preview = "mutation($id: ID!) { \
        previewWebhook(id: $id, trigger: \"UserAdded\", entity: \"u\") { __typename } }";
    let shown = door.graphql(ACME, preview, json!({ "id": id })).await;
    assert_eq!(shown["previewWebhook"]["__typename"], "Preview");
    let none = tokio::time::timeout(std::time::Duration::from_millis(50), honeypot.accept()).await;
    assert!(none.is_err(), "the honeypot was reached");
}
