//! What is wrong on the command line or in the configuration: one line, the right exit code.

use crate::support::program::run;

#[test]
fn a_configuration_that_is_wrong_is_refused_with_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str, parts: &[&str]| {
        std::fs::write(folder.path().join("tidings.toml"), text).unwrap();
        run(folder.path(), &[], &["serve"]).refused(2, parts);
        assert!(!folder.path().join("tidings.db").exists(), "{text} made a database");
        let doctor = run(folder.path(), &[], &["doctor"]);
        assert!(doctor.code == 1 && doctor.stdout.starts_with("BAD   configuration"));
    };
    check("[server]\nlisen = \"x\"\n", &["tidings.toml, line 2", "did you mean `listen`?"]);
    check("[server]\nworkers = 0\n", &["line 2", "`server.workers`", "not known"]);
    check("[server]\nlisten = 8080\n", &["line 2", "in quotes"]);
    check("[secrets]\nkey = \"canary\"\n", &["line 2", "file:PATH or env:NAME"]);
    check("[database]\nurl = \"postgres://localhost/x\"\n", &["line 2", "PostgreSQL"]);
    check("\n[[source]]\nname = \"shop\"\n", &["line 2", "not supported by this version"]);
    check("[server\n", &["line 1", "TOML"]);
}

#[test]
fn an_option_beats_the_environment_which_beats_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tidings.toml"), "[server]\nlisten = \"127.0.0.1:1\"\n")
        .unwrap();
    let listener = |environment: &[(&str, &str)], arguments: &[&str]| {
        let mut all = vec!["doctor"];
        all.extend(arguments);
        let found = run(folder.path(), environment, &all).stdout;
        let line = found.lines().find(|line| line.contains(" listener ")).unwrap().to_owned();
        line.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert!(listener(&[], &[]).starts_with("127.0.0.1:1"));
    let environment = [("TIDINGS_LISTEN", "127.0.0.1:2")];
    assert!(listener(&environment, &[]).starts_with("127.0.0.1:2"));
    assert!(listener(&environment, &["--listen", "127.0.0.1:3"]).starts_with("127.0.0.1:3"));
}

#[test]
fn commands_that_cannot_be_done_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{closed}");
    let there = [("TIDINGS_URL", server.as_str()), ("TIDINGS_TOKEN", "tidings_x")];
    let check = |code: i32, arguments: &[&str], parts: &[&str]| {
        run(folder.path(), &there, arguments).refused(code, parts);
    };
    check(1, &["application", "list"], &[&server, "is `tidings serve` running", "TIDINGS_URL"]);
    check(2, &["application"], &["a command is missing", "tidings application --help"]);
    check(2, &["trigger", "UserAdded"], &["<ID>", "tidings trigger --help"]);
    check(2, &["trigger", "UserAdded", "x", "--variables", "[]"], &["--variables", "JSON object"]);
    check(2, &["trigger", "UserAdded", "x", "--variables", "@no"], &["--variables", "no:"]);
    check(2, &["webhook", "add", "--name", "a"], &["--triggers is missing"]);
    check(2, &["webhook", "update", "1"], &["nothing is to change"]);
    check(2, &["webhook", "update", "1", "--clear", "id"], &["--clear id", "timeout-ms"]);
    check(2, &["webhook", "update", "1", "--clear", "key"], &["--unsigned", "--key"]);
    check(2, &["delivery", "list", "--state", "FOO"], &["--state", "PENDING"]);
    check(2, &["delivery", "replay"], &["one delivery's id or options"]);
    check(2, &["listen", "--key", "short"], &["--key", "at least 12"]);
    check(2, &["serve", "--listen", "nowhere"], &["--listen", "127.0.0.1:8080"]);
    check(2, &["serve", "--config", "none.toml"], &["none.toml", "cannot be read"]);
    check(2, &["serve", "--log-level", "loud=x=y"], &["--log-level", "debug"]);
    let empty = [there[0], ("TIDINGS_TOKEN", ""), ("TIDINGS_FIRST", "")];
    run(folder.path(), &empty, &["delivery", "list"]).refused(1, &[&server]);
    check(2, &["application", "list", "--server", "ftp://x"], &["ftp", "TIDINGS_URL"]);
}

#[test]
fn documents_without_their_database_are_not_cleared_away_by_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = folder.path().join("tidings.db.documents");
    std::fs::create_dir_all(shelf.join("incoming")).unwrap();
    std::fs::create_dir(shelf.join("ab")).unwrap();
    std::fs::write(shelf.join("ab").join("cd"), "a bill").unwrap();
    let parts = ["is missing or empty", "put the database back", "move that folder away"];
    for arguments in [["serve"].as_slice(), &["token", "issue"], &["migrate"]] {
        run(folder.path(), &[], arguments).refused(1, &parts);
        assert!(!folder.path().join("tidings.db").exists(), "{arguments:?} made a database");
        std::fs::write(folder.path().join("tidings.db"), "").unwrap();
        run(folder.path(), &[], arguments).refused(1, &parts);
        std::fs::remove_file(folder.path().join("tidings.db")).unwrap();
    }
    let doctor = run(folder.path(), &[], &["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.stdout.contains("BAD   database       the database tidings.db is missing"));
    std::fs::remove_dir_all(shelf.join("ab")).unwrap();
    run(folder.path(), &[], &["token", "issue"]).good();
    assert!(run(folder.path(), &[], &["doctor"]).good().stdout.contains("ok    rights"));
}

#[test]
fn doctor_sees_that_documents_could_not_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[], &["token", "issue"]).good();
    std::fs::write(folder.path().join("tidings.db.documents"), "").unwrap();
    let doctor = run(folder.path(), &[], &["doctor"]);
    assert_eq!(doctor.code, 1);
    let bad = doctor.stdout.lines().find(|line| line.starts_with("BAD")).unwrap();
    assert!(bad.contains("tidings.db.documents is no folder: move away what is there"), "{bad}");
}

#[test]
fn tokens_are_not_looked_for_in_a_database_that_is_made_for_it() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["token", "list"].as_slice(), &["token", "revoke", "1"]] {
        let parts = ["there is no database tidings.db", "--database", "--server"];
        run(folder.path(), &[], arguments).refused(1, &parts);
        assert!(!folder.path().join("tidings.db").exists());
    }
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("tidings.toml");
    std::fs::write(&configuration, b"\xff\xfe").unwrap();
    run(folder.path(), &[], &["serve"]).refused(2, &["tidings.toml", "save it as UTF-8"]);
    std::fs::write(&configuration, "[secrets]\nkey = \"file:nowhere/key\"\n").unwrap();
    run(folder.path(), &[], &["token", "issue"]).good();
    run(folder.path(), &[], &["serve"])
        .refused(1, &["secrets.key", "nowhere/key", "make its folder"]);
}
