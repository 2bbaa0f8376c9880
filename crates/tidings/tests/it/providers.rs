//! Providers, the sample provider, and the bytes of documents.

use serde_json::json;

use crate::support::{
    http::ask,
    program::{Installation, Running},
};

const CREDENTIALS: &str = r#"[{"name":"email","value":"ada@example.com"},
    {"name":"password","value":"sample-password"}]"#;

#[test]
fn the_operator_adds_shows_changes_and_removes_a_provider() {
    let installation = Installation::start();
    let add = ["provider", "add", "sse_sse", "--name", "SSE", "--sector", "energy"];
    let mut all = add.to_vec();
    all.extend(["--quick-check", "true"]);
    let added = installation.json(&all);
    let capabilities = json!({ "automatedDataCollection": false, "quickCheck": true });
    assert_eq!((&added["code"], &added["sector"]), (&json!("sse_sse"), &json!("ENERGY")));
    assert_eq!(added["capabilities"], capabilities);
    installation.run(&add).refused(1, &["CONFLICT"]);
    installation.run(&["provider", "add", "x"]).refused(2, &["--name is missing"]);
    installation.run(&["provider", "update", "sse_sse"]).refused(2, &["nothing is to change"]);

    let collects = ["provider", "update", "sse_sse", "--automated-data-collection", "true"];
    let updated = installation.json(&collects);
    let both = json!({ "automatedDataCollection": true, "quickCheck": true });
    assert_eq!(updated["capabilities"], both);
    let renamed = installation.json(&["provider", "update", "sse_sse", "--name", "SSE Energy"]);
    assert_eq!((&renamed["name"], &renamed["capabilities"]), (&json!("SSE Energy"), &both));
    assert_eq!(installation.json(&["provider", "show", "sse_sse"])["name"], "SSE Energy");
    assert_eq!(installation.json(&["provider", "list", "--sector", "energy"])["code"], "sse_sse");
    let none = installation.run(&["provider", "list", "--sector", "water", "--json"]).good();
    assert_eq!(none.stdout, "");
    let table = installation.run(&["provider", "list"]).good().stdout;
    assert!(table.contains("SSE Energy") && table.contains("QUICK CHECK"), "{table}");

    installation.run(&["provider", "remove", "sse_sse"]).good();
    let gone = installation.run(&["provider", "show", "sse_sse"]);
    gone.refused(1, &["no provider `sse_sse`", "provider list"]);
}

#[test]
fn the_sample_provider_gets_a_bill_more_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["sample-provider", "--listen", "127.0.0.1:0", "--documents", "2"];
    let mut provider = Running::start(folder.path(), &[], &arguments);
    let url = provider.url();
    let post = |path: &str, body: &str| ask(&url, "POST", path, "", body);
    let collect = |cursor: &str| post("/collect", &collect_with(cursor)).json();
    let first = collect("null");
    assert_eq!(first["documents"].as_array().map(Vec::len), Some(2), "{first}");
    assert_eq!(post("/sample/documents", "").json(), json!({ "documents": 3 }));
    let new = collect(&first["cursor"].to_string());
    assert_eq!(new["documents"][0]["title"], "Bill 3");
    assert_eq!(new["more"], false);
    let broken = post("/check", r#"{"credentials":"canary"}"#);
    assert_eq!(broken.status(), 400);
    assert!(!broken.json().to_string().contains("canary"));
    assert_eq!(ask(&url, "GET", "/collect", "", "").status(), 405);
    assert_eq!(post("/nothing", "{}").status(), 404);
    assert_eq!(post("/collect", &collect_with("\"x\"")).status(), 400);
    assert!(!provider.log().contains("ada@example.com"));
}

fn collect_with(cursor: &str) -> String {
    format!(r#"{{"credentials":{CREDENTIALS},"cursor":{cursor}}}"#)
}

#[test]
fn a_server_keeps_documents_beside_its_database_and_knows_none_at_first() {
    let installation = Installation::start();
    assert!(installation.folder.path().join("tidings.db.documents").is_dir());
    let path = "/v1/documents/602cd86f3755d621aff583ee";
    let none = ask(&installation.url, "GET", path, &installation.token, "");
    assert_eq!((none.status(), &none.json()["code"]), (404, &json!("not_found")));
    assert_eq!(ask(&installation.url, "GET", path, "", "").status(), 401);
}
