//! A walk through the commands, as an operator and as an application.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use serde_json::{Value, json};
use tidings_verify::{Key, verify_sha1};

use crate::support::{
    http::{ask, graphql},
    program::{Installation, QUERY, Running, run},
    receiver::{Answer, Receiver},
    wait_for,
};

#[test]
fn an_application_gets_its_webhook_and_everything_about_a_delivery_can_be_seen() {
    let installation = Installation::start();
    let receiver = Receiver::start();
    let application = installation.json(&["application", "add", "acme"]);
    assert_eq!(application["name"], "acme");
    let token = installation.json(&["token", "issue", "--application", "acme"]);
    let token = token["token"].as_str().unwrap().to_owned();
    let own = [("TIDINGS_URL", installation.url.as_str()), ("TIDINGS_TOKEN", token.as_str())];
    let acme = |arguments: &[&str]| run(installation.folder.path(), &own, arguments);
    std::fs::write(installation.folder.path().join("q.graphql"), QUERY).unwrap();
    let added = acme(&[
        "webhook",
        "add",
        "--name",
        "switches",
        "--triggers",
        "EnergySwitchAdded",
        "--url",
        &receiver.url,
        "--query",
        "@q.graphql",
        "--timeout-ms",
        "4000",
        "--retry",
        r#"{"delaysS":[1]}"#,
        "--json",
    ])
    .good()
    .json();
    let key = added["key"].as_str().expect("a key that was made is shown").to_owned();
    assert_eq!(key.len(), 43);
    let webhook = &added["webhook"];
    assert_eq!((&webhook["application"], &webhook["timeoutMs"]), (&json!("acme"), &json!(4000)));
    assert_eq!(webhook["query"], QUERY);
    let fired = acme(&["trigger", "EnergySwitchAdded", "x1", "--json"]).good().json();
    assert_eq!((&fired["deliveries"], &fired["duplicate"]), (&json!(1), &json!(false)));
    let request = receiver.wait_for(1).pop().unwrap();
    let keys = [Key::parse(&key).unwrap()];
    assert_eq!(verify_sha1(&keys, request.header("x-signature"), &request.body), Ok(()));
    assert!(request.first_line.starts_with("POST /hook?tenant=acme HTTP/1.1"));
    let delivery = request.header("webhook-id").to_owned();
    let shown = wait_for("the record", || {
        let shown = acme(&["delivery", "show", &delivery, "--json"]).good().json();
        (shown["state"] == "DELIVERED").then_some(shown)
    });
    assert_eq!(shown["attempts"][0]["status"], 200);
    assert_eq!(shown["payload"].as_str().unwrap().as_bytes(), request.body);
    let people = acme(&["delivery", "show", &delivery]).good().stdout;
    assert!(people.contains("DELIVERED") && people.contains("attempt 1 at"), "{people}");
    let listed = acme(&["delivery", "list", "--state", "delivered", "--json"]).good();
    assert_eq!(listed.stdout.lines().count(), 1);
    assert_eq!(listed.json()["id"], delivery.as_str());
    acme(&["application", "add", "other"]).refused(1, &["NOT_PERMITTED"]);
}

#[test]
fn a_delivery_is_replayed_previewed_and_tested() {
    let installation = Installation::start();
    let receiver = Receiver::start();
    let key = "a-shared-key-of-this-test";
    let added = installation.add_webhook(&receiver.url, &["--key", key]);
    let id = added["webhook"]["id"].as_str().unwrap();
    let keys = [Key::parse(key).unwrap()];
    let acme = |arguments: &[&str]| installation.run(arguments);
    installation.fire("x1");
    let request = receiver.wait_for(1).pop().unwrap();
    let delivery = request.header("webhook-id").to_owned();
    installation.delivery_in(&delivery, "DELIVERED");
    let replay = acme(&["delivery", "replay", &delivery, "--json"]).good().json();
    assert_eq!(replay["replayOf"], delivery.as_str());
    let replayed = receiver.wait_for(2).pop().unwrap();
    assert_eq!(replay["id"], replayed.header("webhook-id"));
    assert_eq!(replayed.json()["data"], request.json()["data"]);
    let preview = acme(&["webhook", "preview", id, "x2", "--json"]).good().json();
    let header = |name: &str| {
        let headers = preview["headers"].as_array().unwrap();
        let found = headers.iter().find(|header| header["name"] == name).unwrap();
        found["value"].as_str().unwrap().to_owned()
    };
    let body = preview["body"].as_str().unwrap();
    assert_eq!(verify_sha1(&keys, &header("x-signature"), body.as_bytes()), Ok(()));
    assert_eq!(receiver.arrived().len(), 2, "a preview sends nothing");
    let preview = acme(&["webhook", "preview", id, "x2"]).good().stdout;
    assert!(preview.starts_with(&format!("POST {}\n", receiver.url)), "{preview}");
    assert_eq!(acme(&["webhook", "test", id, "x3"]).code, 0);
    receiver.answer(Answer::Status(503, Duration::ZERO));
    let failed = acme(&["webhook", "test", id, "x3", "--json"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.stderr.contains("503") && failed.json()["test"] == true, "{failed:?}");
}

#[test]
fn a_webhook_is_changed_paused_and_removed_by_its_options() {
    let installation = Installation::start();
    let receiver = Receiver::start();
    let added = installation.add_webhook(&receiver.url, &["--headers", "x-team=energy"]);
    let id = added["webhook"]["id"].as_str().unwrap();
    let updated = installation.json(&[
        "webhook",
        "update",
        id,
        "--success",
        "any-2xx",
        "--errors",
        "NOT_FOUND=DROP",
        "--triggers",
        "EnergySwitchAdded",
        "--triggers",
        "EnergySwitchUpdated",
        "--clear",
        "headers",
    ]);
    assert_eq!(updated["success"], "ANY_2XX");
    assert_eq!(updated["errors"], json!([{"code": "NOT_FOUND", "action": "DROP"}]));
    assert_eq!(updated["triggers"], json!(["EnergySwitchAdded", "EnergySwitchUpdated"]));
    assert_eq!(updated["headers"], json!([]));
    let wrong = installation.run(&["webhook", "update", id, "--query", "{\n  getSwitch }"]);
    wrong.refused(1, &["--query", "getSwitch", "line 2, column 3"]);
    let private = installation.run(&["webhook", "update", id, "--url", "https://10.0.0.1/"]);
    private.refused(1, &["--url", "delivery.allow_addresses"]);
    assert_eq!(installation.json(&["webhook", "pause", id])["status"], "PAUSED");
    installation.fire("x1");
    let held = installation.json(&["delivery", "list"]);
    assert_eq!(held["state"], "HELD");
    let listed = installation.run(&["webhook", "list", "--status", "paused"]).good().stdout;
    assert!(listed.lines().nth(1).unwrap().contains("PAUSED"), "{listed}");
    assert_eq!(installation.json(&["webhook", "resume", id])["status"], "ACTIVE");
    receiver.wait_for(1);
    installation.run(&["webhook", "remove", id]).good();
    assert_eq!(installation.fire("x2")["deliveries"], 0);
    let gone = installation.run(&["webhook", "show", id]);
    gone.refused(1, &["NOT_FOUND"]);
    installation.run(&["application", "remove", "acme"]).good();
    let none = installation.run(&["application", "list", "--json"]).good();
    assert_eq!(none.stdout, "");
}

#[test]
fn tokens_are_issued_listed_and_revoked_with_and_without_a_server() {
    let mut installation = Installation::start();
    installation.run(&["application", "add", "acme"]).good();
    let issued = installation.json(&[
        "token",
        "issue",
        "--application",
        "acme",
        "--scopes",
        "fire:triggers",
        "--lifetime-s",
        "3600",
    ]);
    assert_eq!(issued["scopes"], json!(["fire:triggers"]));
    assert!(issued["expires"].is_string());
    let token = issued["token"].as_str().unwrap().to_owned();
    let id = issued["id"].as_str().unwrap().to_owned();
    let fire = |url: &str| {
        let event = r#"{"trigger":"EnergySwitchAdded","id":"x"}"#;
        ask(url, "POST", "/v1/events", &token, event).status()
    };
    assert_eq!(fire(&installation.url), 202);
    let through_server = installation.run(&["token", "list", "--json"]).good();
    installation.server.signal("TERM");
    installation.server.wait();
    let folder = installation.folder.path();
    let alone = run(folder, &[], &["token", "list", "--json"]).good();
    assert_eq!(alone.stdout, through_server.stdout, "both ways show the same objects");
    assert_eq!(alone.stdout.lines().count(), 2);
    run(folder, &[], &["token", "issue", "--application", "none"]).refused(1, &["`none`"]);
    run(folder, &[], &["token", "issue", "--scopes", "all"]).refused(2, &["--scopes", "`all`"]);
    let admin = ["token", "issue", "--application", "acme", "--scopes", "admin"];
    run(folder, &[], &admin).refused(1, &["no more than"]);
    let revoked = run(folder, &[], &["token", "revoke", &id, "--json"]).good().json();
    assert_eq!(revoked["id"], id.as_str());
    installation.restart();
    assert_eq!(fire(&installation.url), 401);
}

#[test]
fn a_mutation_of_the_platform_is_delivered_and_metrics_count_it() {
    let installation = Installation::start();
    let receiver = Receiver::start();
    let user = "query($id: ID!) { getUser(id: $id) { __typename ... on User { id reference } } }";
    let added = installation.add_webhook(&receiver.url, &[]);
    let id = added["webhook"]["id"].as_str().unwrap();
    installation.json(&["webhook", "update", id, "--triggers", "UserAdded", "--query", user]);
    let token = installation.json(&["token", "issue", "--application", "acme"]);
    let token = token["token"].as_str().unwrap();
    let mutation = "mutation { addUser(reference: \"r-1\") { __typename ... on User { id } } }";
    let made = graphql(&installation.url, token, mutation, json!({}));
    let request = receiver.wait_for(1).pop().unwrap();
    let body: Value = request.json();
    assert_eq!(body["webhook"]["trigger"], "UserAdded");
    assert_eq!(body["data"]["getUser"]["id"], made["addUser"]["id"]);
    assert_eq!(body["data"]["getUser"]["reference"], "r-1");
    let counted = wait_for("the count", || {
        let metrics = ask(&installation.url, "GET", "/metrics", &installation.token, "");
        let text = String::from_utf8(metrics.body).unwrap();
        text.contains("tidings_attempts_total{outcome=\"ACCEPTED\"} 1").then_some(text)
    });
    assert!(!counted.contains("127.0.0.1"), "a url is in the metrics: {counted}");
    assert_eq!(ask(&installation.url, "GET", "/metrics", "", "").status(), 401);
}

#[test]
fn listen_prints_and_verifies_what_arrives() {
    let installation = Installation::start();
    let key = "the-shared-key-of-listen";
    let folder = installation.folder.path();
    let environment = [("TIDINGS_KEY", key)];
    let mut listen = Running::start(folder, &environment, &["listen", "--port", "0"]);
    let url = format!("{}/hook", listen.url());
    let added = installation.add_webhook(&url, &["--key", key]);
    let id = added["webhook"]["id"].as_str().unwrap();
    let tested = installation.json(&["webhook", "test", id, "x"]);
    assert_eq!(tested["state"], "DELIVERED");
    let bad = ["listen", "--port", "0", "--status", "410", "--fail-rate", "0"];
    let mut gone = Running::start(folder, &[], &bad);
    let url = gone.url();
    installation.json(&["webhook", "update", id, "--url", &url]);
    installation.run(&["webhook", "test", id, "x"]).refused(1, &["410"]);
}

#[test]
fn doctor_finds_nothing_bad_beside_a_running_server() {
    let installation = Installation::start();
    let doctor = installation.run(&["doctor", "--json"]).good();
    let findings: Vec<Value> =
        doctor.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for what in ["configuration", "database", "schema", "integrity", "key", "disk", "listener"] {
        let found = findings.iter().find(|finding| finding["what"] == what);
        assert_eq!(found.expect(what)["standing"], "ok", "{what}");
    }
    let pid = format!("pid {}", installation.server.pid());
    assert!(doctor.stdout.contains(&pid), "{}", doctor.stdout);
    let listen = installation.url.strip_prefix("http://").unwrap();
    let beside = installation.run(&["doctor", "--listen", listen]).good().stdout;
    assert!(beside.contains("a server is running there"), "{beside}");
    let key = installation.folder.path().join("tidings.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = installation.run(&["doctor"]);
    assert_eq!(open.code, 1, "{open:?}");
    assert!(open.stdout.contains("0644") && open.stdout.contains("`chmod 600 "), "{open:?}");
}

#[test]
fn doctor_tells_of_a_server_that_runs_and_cannot_work() {
    let installation = Installation::start();
    let database = installation.folder.path().join("tidings.db");
    std::fs::rename(&database, database.with_extension("elsewhere")).unwrap();
    // Of documents without their database something else is told, while nobody has it open.
    let shelf = installation.folder.path().join("tidings.db.documents").join("ab");
    std::fs::create_dir_all(&shelf).unwrap();
    std::fs::write(shelf.join("cd"), "a bill").unwrap();
    let url = &installation.url;
    wait_for("a server that is not ready", || {
        (ask(url, "GET", "/readyz", "", "").status() == 503).then_some(())
    });
    let listen = url.strip_prefix("http://").unwrap();
    let doctor = installation.run(&["doctor", "--listen", listen]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    let bad: Vec<&str> = doctor.stdout.lines().filter(|line| line.starts_with("BAD")).collect();
    let [database, listener] = bad[..] else { panic!("{doctor:?}") };
    let pid = format!("pid {} has it open: put the file back", installation.server.pid());
    assert!(database.contains(&pid), "{database}");
    assert!(listener.contains("is not ready: ") && listener.contains("was removed"), "{listener}");
}

#[test]
fn what_an_application_may_collect_is_set_shown_and_cleared() {
    let installation = Installation::start();
    let levels = |arguments: &[&str]| installation.json(arguments)["accessLevels"].clone();
    let add = ["application", "add", "acme", "--access-levels", "quick-check"];
    assert_eq!(levels(&add), json!(["QUICK_CHECK"]));
    let update = ["application", "update", "acme", "--access-level", "QUICK_CHECK"];
    let both = [&update[..], &["--access-level", "FULL_CHECK"]].concat();
    assert_eq!(levels(&both), json!(["QUICK_CHECK", "FULL_CHECK"]));
    assert_eq!(levels(&["application", "show", "acme"]), json!(["QUICK_CHECK", "FULL_CHECK"]));
    let clear = ["application", "update", "acme", "--clear", "access-levels"];
    assert_eq!(levels(&clear), json!(null));
}

#[test]
fn what_is_wrong_with_an_argument_is_told_by_the_arguments_name() {
    let installation = Installation::start();
    let check = |arguments: &[&str], part: &str| {
        installation.run(arguments).refused(1, &["INVALID_INPUT", part]);
    };
    check(&["application", "add", "Acme"], " <NAME>: `Acme` is not a name");
    let provider = ["provider", "add", "A B", "--name", "A", "--sector", "WATER"];
    check(&provider, " <CODE>: ");
    check(&["application", "add", "a", "--token-lifetime-s", "1"], " --token-lifetime-s: ");
}
