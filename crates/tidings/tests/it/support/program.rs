//! The program: commands that end, and servers that stay.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tempfile::TempDir;

use super::wait_for;

/// What a command came to.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The first line of stdout as JSON.
    pub fn json(&self) -> Value {
        let line = self.stdout.lines().next().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It went well.
    pub fn good(self) -> Ended {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// It failed with one line on stderr that holds these parts.
    pub fn refused(self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        let line = self.stderr.trim_end();
        assert_eq!(line.lines().count(), 1, "{self:?}");
        assert!(line.starts_with("tidings: "), "{self:?}");
        for part in parts {
            assert!(line.contains(part), "`{part}` is not in {line}");
        }
    }
}

fn command(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.args(arguments).current_dir(folder).env_clear().envs(environment.iter().copied());
    command
}

/// Runs a command to its end.
pub fn run(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let output = command(folder, environment, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A program that stays until it is stopped; killed when it is dropped.
pub struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Running {
    pub fn start(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Running {
        let mut child = command(folder, environment, arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let log = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = shared.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Running { child, log }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The url behind `listening on`.
    pub fn url(&mut self) -> String {
        wait_for("the listener", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status}:\n{}", self.log());
            }
            let log = self.log();
            let (_, rest) = log.split_once("listening on ")?;
            rest.split_whitespace().next().map(str::to_owned)
        })
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the program's end", || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A folder with a configuration that opens loopback, an operator's token, and a server in it.
pub struct Installation {
    pub folder: TempDir,
    pub token: String,
    pub server: Running,
    pub url: String,
}

const CONFIGURATION: &str = "[server]\nlisten = \"127.0.0.1:0\"\n\
    [platform]\nallow_http = true\nallow_addresses = [\"127.0.0.0/8\"]\n\
    [delivery]\nallow_http = true\nallow_addresses = [\"127.0.0.0/8\"]\n";
const SERVE: [&str; 5] = ["serve", "--log-level", "debug", "--log-format", "json"];

impl Installation {
    pub fn start() -> Installation {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tidings.toml"), CONFIGURATION).unwrap();
        let token = run(folder.path(), &[], &["token", "issue"]).good().stdout.trim().to_owned();
        let mut server = Running::start(folder.path(), &[], &SERVE);
        let url = listening(&mut server);
        Installation { folder, token, server, url }
    }

    /// Starts the server again, after it was stopped or killed.
    pub fn restart(&mut self) {
        self.server = Running::start(self.folder.path(), &[], &SERVE);
        self.url = listening(&mut self.server);
    }

    /// Runs a client command as the operator.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let environment =
            [("TIDINGS_URL", self.url.as_str()), ("TIDINGS_TOKEN", self.token.as_str())];
        run(self.folder.path(), &environment, arguments)
    }

    /// Runs one that must go well, and gives the object that it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        self.run(&arguments).good().json()
    }

    /// Adds the application `acme` and a webhook of it. Gives what `webhook add` printed.
    pub fn add_webhook(&self, url: &str, more: &[&str]) -> Value {
        if self.run(&["application", "show", "acme"]).code != 0 {
            self.run(&["application", "add", "acme"]).good();
        }
        let mut arguments = vec!["webhook", "add", "--application", "acme", "--name", "switches"];
        arguments.extend(["--triggers", "EnergySwitchAdded", "--url", url, "--query", QUERY]);
        arguments.extend(more);
        self.json(&arguments)
    }

    /// Fires the webhook's trigger.
    pub fn fire(&self, entity: &str) -> Value {
        self.json(&["trigger", "EnergySwitchAdded", entity, "--application", "acme"])
    }

    /// Waits until a delivery is in this state, and gives it.
    pub fn delivery_in(&self, id: &str, state: &str) -> Value {
        wait_for(&format!("{id} to be {state}"), || {
            let delivery = self.json(&["delivery", "show", id]);
            (delivery["state"] == state).then_some(delivery)
        })
    }
}

/// A query that every entity has an answer to.
pub const QUERY: &str = "query($id: ID!) { getEnergySwitch(id: $id) { __typename \
    ... on OperationFailure { description } ... on EnergySwitch { id } } }";

// In JSON lines the url ends with a quotation mark.
fn listening(server: &mut Running) -> String {
    server.url().trim_end_matches(['"', ',']).split('"').next().unwrap().to_owned()
}
