//! Canaries: secrets that are given to a running installation are found nowhere but on the wire.

use std::{os::unix::fs::PermissionsExt, path::Path};

use crate::support::{
    http::ask,
    program::{Installation, QUERY},
    receiver::Receiver,
};

const KEY: &str = "canary-shared-key-7d1f60a2c4";
const HEADER: &str = "canary-header-value-93be5501";
const NEW_KEY: &str = "canary-rotated-key-55aa01cd9";

/// The files in a folder and below it that hold a text; the program's own key file aside.
fn files_with(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn secrets_are_in_no_file_no_log_and_no_answer() {
    let mut installation = Installation::start();
    let receiver = Receiver::start();
    let header = format!("x-canary={HEADER}");
    let added =
        installation.add_webhook(&receiver.url, &["--key", KEY, "--headers", header.as_str()]);
    let id = added["webhook"]["id"].as_str().unwrap().to_owned();
    let issued = installation.json(&["token", "issue", "--application", "acme"]);
    let token = issued["token"].as_str().unwrap().to_owned();
    let mut answers = vec![added.to_string().replace(KEY, "")];
    installation.fire("602cd86f3755d621aff583ee");
    let request = &receiver.wait_for(1)[0];
    assert_eq!(request.header("x-canary"), HEADER, "the receiver gets what was asked for");
    let delivery = request.header("webhook-id").to_owned();
    installation.delivery_in(&delivery, "DELIVERED");
    for arguments in [
        vec!["webhook", "list", "--json"],
        vec!["webhook", "show", &id, "--json"],
        vec!["webhook", "preview", &id, "x", "--json"],
        vec!["webhook", "test", &id, "x", "--json"],
        vec!["webhook", "update", &id, "--key", NEW_KEY, "--json"],
        vec!["webhook", "update", &id, "--query", "{ nothing }"],
        vec!["delivery", "list", "--json"],
        vec!["delivery", "show", &delivery, "--json"],
        vec!["token", "list", "--json"],
        vec!["doctor"],
    ] {
        let ended = installation.run(&arguments);
        answers.push(format!("{}{}", ended.stdout, ended.stderr));
    }
    let metrics = ask(&installation.url, "GET", "/metrics", &installation.token, "");
    assert_eq!(metrics.status(), 200);
    answers.push(String::from_utf8(metrics.body).unwrap());
    let wrong = ask(&installation.url, "POST", "/v1/graphql", "canary-wrong-token", "{}");
    assert_eq!(wrong.status(), 401);
    answers.push(String::from_utf8(wrong.body).unwrap());
    let operator = installation.token.clone();
    let secrets = [KEY, HEADER, NEW_KEY, &token, &operator, "canary-wrong-token"];
    let folder = installation.folder.path().to_owned();
    let check = |log: &str| {
        for secret in secrets {
            assert_eq!(files_with(&folder, secret), Vec::<String>::new(), "{secret}");
            assert!(!log.contains(secret), "{secret} is in the log");
            for answer in &answers {
                assert!(!answer.contains(secret), "{secret} is in {answer}");
            }
        }
        // The check itself finds what is there.
        let query = QUERY.split(' ').nth(1).unwrap();
        assert!(!files_with(&folder, query).is_empty(), "{query} is stored in the clear");
    };
    let log = installation.server.log();
    assert!(log.contains("delivery.id"), "nothing was logged at debug level: {log}");
    check(&log);
    installation.server.signal("TERM");
    installation.server.wait();
    check(&installation.server.log());
}

#[test]
fn what_the_server_makes_is_its_owners_alone() {
    let installation = Installation::start();
    for name in ["tidings.key", "tidings.db", "tidings.db-wal", "tidings.db.lock"] {
        let about = std::fs::metadata(installation.folder.path().join(name)).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600, "{name}");
    }
    for name in ["tidings.db.documents", "tidings.db.documents/incoming"] {
        let about = std::fs::metadata(installation.folder.path().join(name)).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o700, "{name}");
    }
}
