//! `tidings demo --once`, as a newcomer runs it.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{
    program::{QUERY, Running, run},
    wait_for,
};

/// What the source document of webhooks shows for the sample switch.
fn full() -> Value {
    json!({ "getEnergySwitch": {
        "__typename": "EnergySwitch",
        "id": "602cd86f3755d621aff583ee",
        "date": "2018-01-01T00:00:00.000Z",
        "user": { "id": "5e33114d08cb368661c5108d", "tenantId": null },
        "userSwitchReferenceId": "E123456",
        "postcode": "OX184EN",
        "provider": { "code": "pfp-energy_pfp-energy", "name": "PFP Energy" },
        "tariffName": "PFP Energy - Green Variable v1 Paperless",
        "projectedSpend": { "currency": "GBP", "amount": 123.540_000_915_527 },
        "savings": { "currency": "GBP", "amount": 228.449_996_948_242 },
        "fuelType": "Elecgas",
        "fuelsSwitched": 2,
        "commission": commission()
    }})
}

fn commission() -> Value {
    json!({
        "fuelsWaitingForUpdate": 0,
        "fuelsWithSwitchTerminated": 0,
        "fuelsWithCommissionExpected": 2,
        "fuelsWithCommissionReceived": 0,
        "statusDate": "2018-01-22T00:00:00.000Z",
        "status": "commissionExpected"
    })
}

fn minimal() -> Value {
    json!({ "getEnergySwitch": {
        "__typename": "EnergySwitch",
        "id": "602cd86f3755d621aff583ee",
        "date": "2018-01-01T00:00:00.000Z"
    }})
}

fn updated() -> Value {
    json!({ "getEnergySwitch": {
        "__typename": "EnergySwitch",
        "id": "602cd86f3755d621aff583ee",
        "commission": commission()
    }})
}

/// The bodies that the demo printed: from a line `{` to a line `}`.
fn bodies(stdout: &str) -> Vec<Value> {
    let mut bodies = Vec::new();
    let mut body: Option<String> = None;
    for line in stdout.lines() {
        if line == "{" {
            body = Some(String::new());
        }
        if let Some(text) = &mut body {
            text.push_str(line);
        }
        if line == "}" {
            let text = body.take().expect("a body begins before it ends");
            bodies.push(serde_json::from_str(&text).unwrap());
        }
    }
    bodies
}

#[test]
fn the_demo_delivers_the_sample_with_the_three_recommended_queries_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--once", "--listen", "127.0.0.1:0", "--data-dir", "data"];
    for round in 1..=2 {
        let ended = run(folder.path(), &[], &arguments).good();
        let bodies = bodies(&ended.stdout);
        assert_eq!(bodies.len(), 3, "round {round}: {}", ended.stdout);
        let shown: Vec<String> = bodies.iter().map(|body| body["data"].to_string()).collect();
        // As text, because the order of the keys is the query's.
        for wanted in [full(), minimal(), updated()] {
            assert!(shown.contains(&wanted.to_string()), "{wanted} is not in {shown:#?}");
        }
        for body in &bodies {
            let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["data", "query", "webhook"]);
            assert_eq!(body["query"]["variables"], json!({"id": "602cd86f3755d621aff583ee"}));
            assert!(!body["query"]["query"].as_str().unwrap().contains('\n'));
        }
        let right = "X-Signature is right; webhook-signature is right; answered 200";
        assert_eq!(ended.stdout.matches(right).count(), 3);
        assert!(!ended.stdout.contains("WRONG"));
    }
    let path = folder.path().join("data/demo.json");
    let notes: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for key in ["url", "operatorToken", "applicationToken", "receiverUrl", "key"] {
        assert!(notes[key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {notes}");
    }
    for name in ["demo.json", "tidings.key", "tidings.db"] {
        let about = std::fs::metadata(folder.path().join("data").join(name)).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let looked = ["doctor", "--data-dir", "data", "--json"];
    let ended = run(folder.path(), &[], &looked).good();
    let address = notes["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    assert!(ended.stdout.contains(&format!("{address} is free")), "{ended:?}");
    let key = ended.stdout.lines().find(|line| line.contains("\"key\"")).unwrap();
    assert!(key.contains("data/tidings.key"), "{ended:?}");
}

#[test]
fn a_demo_that_cannot_listen_says_why_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    run(folder.path(), &[], &["demo", "--once", "--listen", &address])
        .refused(1, &["cannot listen", &address, "--listen"]);
}

#[test]
fn a_demo_that_is_started_again_waits_for_its_own_webhooks_alone() {
    let folder = tempfile::tempdir().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = format!("http://{closed}/hook");
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--data-dir", "data"];
    let mut first = Running::start(folder.path(), &[], &arguments);
    let notes: Value = wait_for("the notes", || {
        serde_json::from_slice(&std::fs::read(folder.path().join("data/demo.json")).ok()?).ok()
    });
    let text = |key: &str| notes[key].as_str().unwrap();
    let owner = [("TIDINGS_URL", text("url")), ("TIDINGS_TOKEN", text("operatorToken"))];
    for trigger in ["EnergySwitchAdded", "EnergySwitchUpdated"] {
        let mut add = vec!["webhook", "add", "--application", "acme", "--name", "mine"];
        add.extend(["--trigger", trigger, "--url", &dead, "--query", QUERY]);
        run(folder.path(), &owner, &add).good();
    }
    first.kill();
    let started = std::time::Instant::now();
    let again = ["demo", "--once", "--listen", "127.0.0.1:0", "--data-dir", "data"];
    let ended = run(folder.path(), &[], &again).good();
    assert!(ended.stdout.contains("3 deliveries arrived, both signatures"), "{ended:?}");
    assert!(started.elapsed().as_secs() < 25, "{ended:?}");
}
