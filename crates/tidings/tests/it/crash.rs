//! Ends and beginnings: signals, kills, and what is there afterwards.

use std::time::Duration;

use crate::support::{
    http::ask,
    program::{Installation, run},
    receiver::{Answer, Receiver},
    wait_for,
};

fn only_delivery(installation: &Installation) -> String {
    let listed = installation.json(&["delivery", "list"]);
    listed["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_second_server_on_the_same_database_is_refused_with_the_pid_of_the_first() {
    let installation = Installation::start();
    let pid = format!("pid {}", installation.server.pid());
    let folder = installation.folder.path();
    let ended = run(folder, &[], &["serve", "--log-level", "error"]);
    ended.refused(1, &["tidings.db is in use by", &pid]);
    run(folder, &[], &["migrate"]).refused(1, &["in use by", &pid]);
    run(folder, &[], &["token", "issue"]).refused(1, &["in use by", &pid, "TIDINGS_TOKEN"]);
    let issued = installation.run(&["token", "issue", "--json"]).good().json();
    assert!(issued["token"].as_str().unwrap().len() > 40, "{issued}");
    let alive = ask(&installation.url, "GET", "/healthz", "", "");
    assert_eq!(alive.status(), 200);
}

#[test]
fn a_kill_in_the_middle_of_an_attempt_loses_nothing_and_the_bytes_stay() {
    let mut installation = Installation::start();
    let receiver = Receiver::start();
    installation.add_webhook(&receiver.url, &[]);
    receiver.answer(Answer::Silence);
    let fired = installation.fire("602cd86f3755d621aff583ee");
    assert_eq!(fired["deliveries"], 1);
    let before = receiver.wait_for(1);
    installation.server.kill();
    receiver.answer(Answer::Status(200, Duration::ZERO));
    installation.restart();
    let arrived = receiver.wait_for(2);
    let after = &arrived[before.len()];
    assert_eq!(after.header("webhook-id"), before[0].header("webhook-id"));
    assert_eq!(after.body, before[0].body);
    let id = only_delivery(&installation);
    assert_eq!(after.header("webhook-id"), id);
    let delivered = installation.delivery_in(&id, "DELIVERED");
    assert_eq!(delivered["payload"].as_str().unwrap().as_bytes(), before[0].body);
}

#[test]
fn sigterm_lets_the_attempt_under_way_finish_and_nothing_is_sent_twice() {
    let mut installation = Installation::start();
    let receiver = Receiver::start();
    installation.add_webhook(&receiver.url, &[]);
    receiver.answer(Answer::Status(200, Duration::from_millis(700)));
    installation.fire("602cd86f3755d621aff583ee");
    receiver.wait_for(1);
    installation.server.signal("TERM");
    assert!(installation.server.wait().success(), "{}", installation.server.log());
    let log = installation.server.log();
    assert!(log.contains("SIGTERM") && log.contains("ended"), "{log}");
    let leftover = installation.folder.path().join("tidings.db-wal");
    assert!(std::fs::metadata(leftover).map_or(0, |about| about.len()) == 0, "the log was kept");
    installation.restart();
    let id = only_delivery(&installation);
    let delivered = installation.delivery_in(&id, "DELIVERED");
    assert_eq!(delivered["attempts"].as_array().unwrap().len(), 1, "{delivered}");
    assert_eq!(receiver.arrived().len(), 1);
}

#[test]
fn a_second_signal_ends_at_once_and_the_delivery_is_not_lost() {
    let mut installation = Installation::start();
    let receiver = Receiver::start();
    installation.add_webhook(&receiver.url, &[]);
    receiver.answer(Answer::Silence);
    installation.fire("602cd86f3755d621aff583ee");
    let before = receiver.wait_for(1);
    installation.server.signal("INT");
    wait_for("the first signal to be heard", || {
        installation.server.log().contains("SIGINT").then_some(())
    });
    installation.server.signal("INT");
    assert_eq!(installation.server.wait().code(), Some(130));
    receiver.answer(Answer::Status(200, Duration::ZERO));
    installation.restart();
    let arrived = receiver.wait_for(2);
    assert_eq!(arrived[1].body, before[0].body);
}

#[test]
fn a_missing_or_wrong_key_stops_the_start_and_names_the_wanted_one() {
    let mut installation = Installation::start();
    installation.server.signal("TERM");
    installation.server.wait();
    let log = installation.server.log();
    let id = log.split("made the key ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let folder = installation.folder.path();
    let key = folder.join("tidings.key");
    let right = std::fs::read(&key).unwrap();
    let refused = |parts: &[&str]| {
        run(folder, &[], &["serve", "--log-level", "error"]).refused(1, parts);
    };
    std::fs::remove_file(&key).unwrap();
    refused(&["tidings.key is missing", &id]);
    assert!(!key.exists(), "a key that opens nothing was made");
    std::fs::write(&key, format!("{}\n", "ab".repeat(32))).unwrap();
    refused(&[&id, "start with that key"]);
    let doctor = run(folder, &[], &["doctor"]);
    assert_eq!(doctor.code, 1);
    let bad = doctor.stdout.lines().find(|line| line.starts_with("BAD")).unwrap();
    assert!(bad.contains("key") && bad.contains(&id), "{bad}");
    std::fs::write(&key, "0123456789abcdef").unwrap();
    refused(&["is no key", "32 bytes"]);
    std::fs::write(&key, right).unwrap();
    installation.restart();
    assert_eq!(ask(&installation.url, "GET", "/readyz", "", "").status(), 200);
}
