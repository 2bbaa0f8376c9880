//! Which file may do what. Each rule is a line in `RULES`; tests may do everything.
//!
//! Names are looked for in code, not in comments or strings. A rule is broken by naming, so an
//! import under another name gets past it: for what matters, clippy.toml bans the function too,
//! and the last rule keeps the list of files that may lift such a ban.

use super::Finding;
use super::scan;
use super::tree::SourceFile;

struct Rule {
    /// What is looked for, as whole words.
    names: &'static [&'static str],
    /// Beginnings of the paths in which the rule counts.
    within: &'static [&'static str],
    /// Beginnings of the paths that may.
    allowed: &'static [&'static str],
    what: &'static str,
    remedy: &'static str,
}

const EVERYWHERE: &[&str] = &["crates/"];

const PURE: &[&str] =
    &["crates/tidings-core/src/", "crates/tidings-query/src/", "crates/tidings-verify/src/"];

const RULES: &[Rule] = &[
    Rule {
        names: &[
            "TcpStream::connect",
            "TcpStream::connect_timeout",
            "TcpSocket::new_v4",
            "TcpSocket::new_v6",
            "UdpSocket",
            "UnixStream::connect",
            "lookup_host",
            "to_socket_addrs",
            "client::conn",
        ],
        within: EVERYWHERE,
        allowed: &["crates/tidings-egress/src/", "crates/tidings/src/client.rs"],
        what: "opens or prepares an outgoing connection",
        remedy: "go through tidings-egress: it checks every address before it is dialled",
    },
    Rule {
        names: &["SystemTime::now", "Instant::now", "Utc::now", "Local::now", "clock_gettime"],
        within: EVERYWHERE,
        // A connection's time limits run on the runtime's timer, which a test can pause.
        allowed: &["crates/tidings/src/clock.rs", "crates/tidings-egress/src/moment.rs"],
        what: "asks for the time",
        remedy: "take `Now` as a parameter; only crates/tidings/src/clock.rs reads a clock",
    },
    Rule {
        names: &["tokio", "fs", "env", "thread", "process", "getrandom", "fastrand", "rand"],
        within: PURE,
        allowed: &[],
        what: "names a runtime, IO or chance in a crate that only decides",
        remedy: "take the value as a parameter, and do the work in the crate that calls",
    },
    Rule {
        names: &["tidings_store_sqlite", "tidings_store_postgres"],
        within: &["crates/", "bench/", "xtask/"],
        allowed: &[
            "crates/tidings/src/wiring.rs",
            "crates/tidings-store-sqlite/",
            "crates/tidings-store-postgres/",
        ],
        what: "names a database's crate",
        remedy: "use `dyn Store`; only crates/tidings/src/wiring.rs knows which one it is",
    },
    Rule {
        names: &["StatusCode"],
        within: &["crates/tidings-api/src/", "crates/tidings-platform/src/"],
        allowed: &[
            "crates/tidings-api/src/problem.rs",
            "crates/tidings-api/src/graphql_http",
            "crates/tidings-platform/src/link/answer.rs",
        ],
        what: "chooses an HTTP status",
        remedy: "add a case to problem.rs and answer with it, so that one page lists them all",
    },
    Rule {
        names: &["clippy::disallowed_methods"],
        within: EVERYWHERE,
        allowed: &[
            "crates/tidings/src/clock.rs",
            "crates/tidings/src/client.rs",
            "crates/tidings/src/config",
            "crates/tidings/src/cli/environment.rs",
            "crates/tidings/src/wiring.rs",
            "crates/tidings-egress/src/",
        ],
        what: "lifts one of the bans of clippy.toml",
        remedy: "find the way that the ban names, or add the file to RULES with a decision record",
    },
];

// A name with a path is looked for as it stands, one without only where something follows it in a
// path: `fs::read`, not a variable called `fs`.
fn places(code: &str, name: &str) -> Vec<usize> {
    let mut places = scan::word_places(code, name);
    if !name.contains("::") && name.chars().all(|c| c.is_ascii_lowercase()) {
        places.retain(|place| code[place + name.len()..].starts_with("::"));
    }
    places
}

/// Every place where a file does what another file is for.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let is_in = |beginnings: &[&str]| beginnings.iter().any(|b| file.path.starts_with(b));
        for rule in RULES.iter().filter(|rule| is_in(rule.within) && !is_in(rule.allowed)) {
            for name in rule.names {
                for place in places(&file.product, name) {
                    findings.push(Finding {
                        path: file.path.clone(),
                        line: scan::line_of(&file.product, place),
                        what: format!("`{name}` {}", rule.what),
                        remedy: rule.remedy.to_owned(),
                    });
                }
            }
        }
        if is_in(EVERYWHERE) && !may_change_state(&file.path) {
            findings.extend(check_state(file));
        }
    }
    findings
}

// The stores read a row back into the state that it was written from.
fn may_change_state(path: &str) -> bool {
    path == "crates/tidings-core/src/delivery.rs"
        || (path.starts_with("crates/tidings-store-") && path.ends_with("/row.rs"))
}

// Two ways lead to another state without the functions of delivery.rs: to assign the field, and
// to build a delivery with a state of one's own. SQL that writes the column is not seen here; the
// comparison of the databases with the store in memory is there for that.
fn check_state(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for place in scan::word_places(&file.product, "state") {
        let after = file.product[place + "state".len()..].trim_start();
        let is_field = file.product[..place].trim_end().ends_with('.');
        let is_assigned = is_field && after.starts_with('=') && !after.starts_with("==");
        let is_built = after.strip_prefix(':').is_some_and(|rest| {
            let value = rest.trim_start();
            value.starts_with("State::") || value.starts_with("delivery::State::")
        });
        if is_assigned || is_built {
            findings.push(Finding {
                path: file.path.clone(),
                line: scan::line_of(&file.product, place),
                what: "changes a delivery's state".to_owned(),
                remedy: "call `lease`, `take` or `cancel` of tidings-core's delivery.rs".to_owned(),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str, wanted: &[usize]) {
        let found = check(&[SourceFile::new(path, text)]);
        let lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, wanted, "{path}: {text}\n{found:?}");
    }

    #[test]
    fn only_egress_and_the_client_of_the_command_line_connect() {
        let text = "\nlet stream = TcpStream::connect(address).await?;";
        check_one("crates/tidings-deliver/src/sender.rs", text, &[2]);
        check_one("crates/tidings-egress/src/connect.rs", text, &[]);
        check_one("crates/tidings/src/client.rs", text, &[]);
        check_one("crates/tidings/tests/it/main.rs", text, &[]);
        check_one("crates/tidings-api/src/lib.rs", "let l = TcpListener::bind(a);", &[]);
    }

    #[test]
    fn only_the_clock_asks_for_the_time() {
        let text = "let now = std::time::SystemTime::now();\n// Instant::now()\nChrono::Utc::now()";
        check_one("crates/tidings/src/shutdown.rs", text, &[1, 3]);
        check_one("crates/tidings/src/clock.rs", text, &[]);
        let in_tests = format!("#[cfg(test)]\nmod tests {{ fn a() {{ {text}; }} }}");
        check_one("crates/tidings/src/shutdown.rs", &in_tests, &[]);
    }

    #[test]
    fn crates_that_decide_do_nothing_else() {
        for path in ["crates/tidings-core/src/a.rs", "crates/tidings-query/src/a.rs"] {
            check_one(path, "use std::{fs, io};\nlet text = fs::read(path);", &[2]);
            check_one(path, "tokio::spawn(x);", &[1]);
            check_one(path, "let operand = fastrand::u64(..);", &[1]);
            check_one(path, "let process = env!(\"A\"); thread: u8; other_fs::x();", &[]);
        }
        check_one("crates/tidings-deliver/src/a.rs", "tokio::spawn(x);", &[]);
    }

    #[test]
    fn only_the_wiring_names_a_database() {
        let text = "use tidings_store_sqlite::SqliteStore;";
        check_one("crates/tidings/src/commands/serve.rs", text, &[1]);
        check_one("bench/src/main.rs", text, &[1]);
        check_one("crates/tidings/src/wiring.rs", text, &[]);
        check_one("crates/tidings/tests/it/crash.rs", text, &[]);
        check_one("crates/tidings-store-sqlite/src/lib.rs", text, &[]);
    }

    #[test]
    fn only_problem_and_graphql_over_http_choose_a_status() {
        let text = "(StatusCode::NOT_FOUND, body)";
        check_one("crates/tidings-api/src/ingest.rs", text, &[1]);
        check_one("crates/tidings-api/src/problem.rs", text, &[]);
        check_one("crates/tidings-api/src/graphql_http/answer.rs", text, &[]);
        check_one("crates/tidings-egress/src/exchange.rs", text, &[]);
    }

    #[test]
    fn bans_are_lifted_only_where_the_list_says_so() {
        let text = "#[expect(clippy::disallowed_methods, reason = \"r\")]\nfn a() {}";
        check_one("crates/tidings-deliver/src/attempt.rs", text, &[1]);
        check_one("crates/tidings/src/config/mod.rs", text, &[]);
        check_one("crates/tidings/tests/it/main.rs", text, &[]);
    }

    #[test]
    fn only_delivery_changes_the_state_of_a_delivery() {
        let assigned = "delivery.state = State::Delivered;";
        let built = "Delivery { id,\n state: State::Delivered }";
        let read = "if delivery.state == State::Delivered { match delivery.state { _ => {} } }";
        let typed = "fn show(state: &State) {} struct Delivery { state: State }";
        check_one("crates/tidings-store/src/memory/record.rs", assigned, &[1]);
        check_one("crates/tidings-deliver/src/attempt.rs", built, &[2]);
        check_one("crates/tidings-core/src/delivery.rs", assigned, &[]);
        check_one("crates/tidings-store-sqlite/src/row.rs", built, &[]);
        for text in [read, typed] {
            check_one("crates/tidings-store/src/memory/record.rs", text, &[]);
        }
    }
}
