//! Listeners that must see no connection: whatever a person asks of the whole program, nothing is
//! reached that the operator's configuration does not open.

use std::{io::ErrorKind, net::TcpListener};

use crate::support::program::{Installation, QUERY};

const CLOSED: &str = "[server]\nlisten = \"127.0.0.1:0\"\n";
const ENTITY: &str = "602cd86f3755d621aff583ee";

/// A listener that answers nobody and remembers who came.
struct Honeypot(TcpListener);

impl Honeypot {
    fn set() -> Honeypot {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Honeypot(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn is_untouched(&self) {
        match self.0.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            other => panic!("somebody came: {other:?}"),
        }
    }
}

/// Webhooks that were added while loopback was open, in a server that has closed it since.
fn closed_later(urls: &[String]) -> (Installation, Vec<String>) {
    let mut installation = Installation::start();
    let add = |url: &String| {
        let added = installation.add_webhook(url, &[]);
        added["webhook"]["id"].as_str().unwrap().to_owned()
    };
    let ids = urls.iter().map(add).collect();
    std::fs::write(installation.folder.path().join("tidings.toml"), CLOSED).unwrap();
    installation.server.signal("TERM");
    installation.server.wait();
    installation.restart();
    (installation, ids)
}

#[test]
fn nothing_is_reached_by_preview_test_delivery_and_replay_of_what_was_stored_before() {
    let honeypot = Honeypot::set();
    let port = honeypot.port();
    let urls = [
        format!("http://127.0.0.1:{port}/hook"),
        format!("https://127.0.0.1:{port}/hook"),
        format!("https://localhost:{port}/hook"),
    ];
    let (installation, ids) = closed_later(&urls);
    for id in &ids {
        installation.run(&["webhook", "preview", id, ENTITY]).good();
        let tested = installation.run(&["webhook", "test", id, ENTITY]);
        assert_eq!(tested.code, 1, "{tested:?}");
        assert!(tested.stderr.contains("the test was not a success"), "{tested:?}");
    }
    let fired = installation.fire(ENTITY);
    assert_eq!(fired["deliveries"], 3);
    let listed = installation.run(&["delivery", "list", "--json"]).good();
    let mut tests = listed.stdout.lines().filter(|line| line.contains("\"test\":true"));
    let test = serde_json::from_str::<serde_json::Value>(tests.next_back().unwrap()).unwrap();
    let replayed = installation.json(&["delivery", "replay", test["id"].as_str().unwrap()]);
    let replayed = replayed["id"].as_str().unwrap();
    let attempted = crate::support::wait_for("an attempt at the replay", || {
        let shown = installation.json(&["delivery", "show", replayed]);
        shown["attempts"].as_array().unwrap().first().cloned()
    });
    // One class for all that cannot be reached: closed, open and forbidden look alike.
    assert_eq!(attempted["status"], serde_json::Value::Null, "{attempted}");
    assert_eq!(attempted["outcome"], "CONNECT", "{attempted}");
    assert!(!attempted["error"].to_string().contains("127.0.0.1"), "{attempted}");
    honeypot.is_untouched();
}

#[test]
fn nothing_is_reached_by_create_update_and_preview_of_what_is_not_allowed() {
    let honeypot = Honeypot::set();
    let port = honeypot.port();
    let (installation, ids) = closed_later(&[format!("http://127.0.0.1:{port}/hook")]);
    for host in ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let url = format!("https://{host}:{port}/hook");
        let fields = ["--url", &url, "--triggers", "EnergySwitchAdded", "--query", QUERY];
        let named = ["--application", "acme", "--name", "new"];
        let add = [["webhook", "add"].as_slice(), &named, &fields].concat();
        installation.run(&add).refused(1, &["INVALID_INPUT", "--url"]);
        let preview =
            [["webhook", "preview", "--entity", ENTITY].as_slice(), &named, &fields].concat();
        installation.run(&preview).refused(1, &["INVALID_INPUT", "--url"]);
        installation
            .run(&["webhook", "update", &ids[0], "--url", &url])
            .refused(1, &["INVALID_INPUT", "--url"]);
    }
    honeypot.is_untouched();
}
