//! What a receiver sees of a running server and its configuration, and what the owner is told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    http::{ask, graphql},
    program::{Installation, QUERY},
    receiver::{Answer, Receiver},
    wait_for,
};

#[test]
fn a_request_has_the_headers_and_members_of_the_wire_contract() {
    let mut installation = Installation::start();
    let file = installation.folder.path().join("tidings.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    let more = "[server]\npublic_url = \"https://api.example.com\"\nenvironment = \"staging\"\n";
    std::fs::write(&file, written.replace("[server]\n", more)).unwrap();
    installation.server.signal("TERM");
    installation.server.wait();
    installation.restart();
    let receiver = Receiver::start();
    installation.add_webhook(&receiver.url, &[]);
    let event = json!({
        "trigger": "EnergySwitchAdded", "id": "x1", "application": "acme",
        "occurredAt": "2021-02-17T10:48:47.284+02:00",
    });
    let fired =
        ask(&installation.url, "POST", "/v1/events", &installation.token, &event.to_string());
    assert_eq!(fired.status(), 202);
    let request = receiver.wait_for(1).pop().unwrap();
    assert_eq!(request.first_line.trim_end(), "POST /hook?tenant=acme HTTP/1.1");
    for (name, value) in [
        ("content-type", "application/json"),
        ("accept", "application/json, text/plain, */*"),
        ("user-agent", concat!("tidings@staging/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.header(name), value);
    }
    let body: Value = request.json();
    let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["data", "query", "webhook"]);
    assert_eq!(
        body["query"],
        json!({
            "api": "https://api.example.com/v1/graphql",
            "query": QUERY.split_whitespace().collect::<Vec<_>>().join(" "),
            "variables": { "id": "x1" },
        })
    );
    assert_eq!(
        body["webhook"],
        json!({
            "id": request.header("webhook-id"),
            "date": "2021-02-17T08:48:47.284Z",
            "trigger": "EnergySwitchAdded",
        })
    );
}

#[test]
fn the_owner_of_a_webhook_that_is_gone_is_told_in_each_of_four_places() {
    let installation = Installation::start();
    let receiver = Receiver::start();
    receiver.answer(Answer::Status(410, Duration::ZERO));
    let added = installation.add_webhook(&receiver.url, &[]);
    let id = added["webhook"]["id"].as_str().unwrap();
    installation.fire("x1");
    let webhook = wait_for("the webhook to be disabled", || {
        let webhook = installation.json(&["webhook", "show", id]);
        (webhook["status"] == "DISABLED").then_some(webhook)
    });
    assert!(webhook["statusReason"].as_str().unwrap().contains("410"), "{webhook}");
    let token = installation.json(&["token", "issue", "--application", "acme"]);
    let notices = "{ getNotices { items { webhook kind } } }";
    let told = graphql(&installation.url, token["token"].as_str().unwrap(), notices, json!({}));
    let wanted = json!([{ "webhook": id, "kind": "WEBHOOK_DISABLED" }]);
    assert_eq!(told["getNotices"]["items"], wanted);
    wait_for("the metric", || {
        let metrics = ask(&installation.url, "GET", "/metrics", &installation.token, "");
        let text = String::from_utf8(metrics.body).unwrap();
        text.contains("tidings_delivery_steps_total{step=\"webhook_disabled\"} 1").then_some(())
    });
    wait_for("the line of the log", || {
        let log = installation.server.log();
        log.lines().any(|line| line.contains("webhook_disabled")).then_some(())
    });
}
