//! Tidings as a process of its own, set up with an application, an entity and webhooks that have
//! the full recommended query.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Failure};

/// The entity that every event is for.
pub const ENTITY: &str = "602cd86f3755d621aff583ee";
/// The key that the webhook is signed with.
pub const KEY: &str = "a-shared-key-for-the-bench-alone";

/// The full recommended query.
pub const QUERY: &str = "query($id: ID!) { getEnergySwitch(id: $id) { __typename \
    ... on OperationFailure { description(locale: en_GB) } ... on EnergySwitch { id date \
    user { id tenantId } userSwitchReferenceId postcode provider { code name } tariffName \
    projectedSpend { currency amount } savings { currency amount } fuelType fuelsSwitched \
    commission { fuelsWaitingForUpdate fuelsWithSwitchTerminated fuelsWithCommissionExpected \
    fuelsWithCommissionReceived statusDate status } } } }";

/// A running server with a directory of its own; stopped and removed when it is dropped.
pub struct Product {
    program: PathBuf,
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// A token of the application whose webhook listens.
    pub token: String,
    directory: TempDir,
}

impl Product {
    /// Starts the program and sets up the application, the entity and a webhook for each URL.
    pub async fn start(program: &Path, urls: &[String]) -> Result<Product, Failure> {
        let directory = TempDir::new()?;
        let config = directory.path().join("tidings.toml");
        let database = directory.path().join("tidings.db");
        std::fs::write(&config, config_text(directory.path(), &database))?;
        let operator = issue_token(program, &config)?;
        let (child, address) = serve(program, &config)?;
        let program = program.to_owned();
        let mut product = Product { program, child, address, token: String::new(), directory };
        product.set_up(&operator, urls).await?;
        Ok(product)
    }

    /// Kills the process at once, as a power switch would, without a word to it.
    pub fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts the program again on what is on disk.
    pub fn restart(&mut self) -> Result<(), Failure> {
        let config = self.directory.path().join("tidings.toml");
        (self.child, self.address) = serve(&self.program, &config)?;
        Ok(())
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of the database and its log.
    pub fn database_bytes(&self) -> u64 {
        ["tidings.db", "tidings.db-wal"]
            .iter()
            .filter_map(|name| std::fs::metadata(self.directory.path().join(name)).ok())
            .map(|file| file.len())
            .sum()
    }

    async fn set_up(&mut self, operator: &str, urls: &[String]) -> Result<(), Failure> {
        let mut client = Client::connect(self.address).await?;
        let add = "mutation($input: AddApplicationInput!) { addApplication(input: $input) {
            __typename ... on OperationFailure { problems { path message } } } }";
        client.graphql(operator, add, json!({ "input": { "name": "bench" } })).await?;
        let add = "mutation($input: AddTokenInput!) { addToken(input: $input) { __typename
            ... on TokenAdded { token } ... on OperationFailure { problems { path message } } } }";
        let scopes = ["fire:triggers", "manage:webhooks", "read:deliveries", "read:accounts"];
        let input = json!({ "application": "bench", "kind": "APPLICATION", "scopes": scopes });
        let added = client.graphql(operator, add, json!({ "input": input })).await?;
        self.token = text(&added["addToken"]["token"])?;
        self.add_entity(&mut client, operator).await?;
        let add = "mutation($input: AddWebhookInput!) { addWebhook(input: $input) { __typename
            ... on OperationFailure { problems { path message } } } }";
        for url in urls {
            let input = json!({
                "name": url, "source": "platform", "triggers": ["EnergySwitchUpdated"],
                "url": url, "query": QUERY, "key": KEY, "retry": { "delaysS": [1] },
            });
            client.graphql(&self.token, add, json!({ "input": input })).await?;
        }
        Ok(())
    }

    async fn add_entity(&self, client: &mut Client, operator: &str) -> Result<(), Failure> {
        let provider = json!({
            "code": "pfp-energy_pfp-energy", "name": "PFP Energy", "sector": "ENERGY",
            "capabilities": { "automatedDataCollection": true, "quickCheck": true },
        });
        let add = "mutation($input: AddProviderInput!) { addProvider(input: $input) { __typename
            ... on OperationFailure { problems { path message } } } }";
        client.graphql(operator, add, json!({ "input": provider })).await?;
        let add = "mutation { addUser(reference: \"bench\") { __typename ... on User { id }
            ... on OperationFailure { problems { path message } } } }";
        let added = client.graphql(&self.token, add, json!({})).await?;
        let energy_switch = json!({
            "id": ENTITY, "user": text(&added["addUser"]["id"])?, "provider": provider["code"],
            "date": "2018-01-01T00:00:00.000Z", "userSwitchReferenceId": "E123456",
            "postcode": "OX184EN", "tariffName": "PFP Energy - Green Variable v1 Paperless",
            "projectedSpend": { "currency": "GBP", "amount": 123.540000915527 },
            "savings": { "currency": "GBP", "amount": 228.449996948242 },
            "fuelType": "Elecgas", "fuelsSwitched": 2,
            "commission": {
                "fuelsWaitingForUpdate": 0, "fuelsWithSwitchTerminated": 0,
                "fuelsWithCommissionExpected": 2, "fuelsWithCommissionReceived": 0,
                "statusDate": "2018-01-22T00:00:00.000Z", "status": "commissionExpected",
            },
        });
        let add = "mutation($input: AddEnergySwitchInput!) { addEnergySwitch(input: $input) {
            __typename ... on OperationFailure { problems { path message } } } }";
        client.graphql(&self.token, add, json!({ "input": energy_switch })).await?;
        Ok(())
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(value: &Value) -> Result<String, Failure> {
    Ok(value.as_str().ok_or_else(|| format!("expected a text, got {value}"))?.to_owned())
}

fn config_text(directory: &Path, database: &Path) -> String {
    format!(
        "[secrets]\nkey = \"file:{}\"\n\n[database]\nurl = \"sqlite:{}\"\n\n[delivery]\n\
         allow_http = true\nallow_addresses = [\"127.0.0.0/8\"]\n",
        directory.join("tidings.key").display(),
        database.display(),
    )
}

fn issue_token(program: &Path, config: &Path) -> Result<String, Failure> {
    let issued = Command::new(program)
        .args(["token", "issue", "--json", "--config"])
        .arg(config)
        .output()?;
    if !issued.status.success() {
        return Err(String::from_utf8_lossy(&issued.stderr).into_owned().into());
    }
    let issued: Value = serde_json::from_slice(&issued.stdout)?;
    text(&issued["token"])
}

fn serve(program: &Path, config: &Path) -> Result<(Child, SocketAddr), Failure> {
    let mut child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let address = listening_address(&mut child)?;
    Ok((child, address))
}

/// Waits for the line that says where the server listens, and keeps reading so that it never blocks
/// on a full pipe.
pub fn listening_address(child: &mut Child) -> Result<SocketAddr, Failure> {
    let (found, address) = mpsc::channel();
    let streams: [Option<Box<dyn std::io::Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    for stream in streams.into_iter().flatten() {
        let found = found.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let after = line.split("listening on http://").nth(1).unwrap_or_default();
                let end = |c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'));
                if let Ok(address) = after.split(end).next().unwrap_or_default().parse() {
                    let _ = found.send(address);
                }
            }
        });
    }
    Ok(address.recv_timeout(Duration::from_secs(20))?)
}

/// The program beside this one.
pub fn beside() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?.with_file_name("tidings");
    if program.exists() {
        Ok(program)
    } else {
        Err("there is no `tidings` beside this program: cargo build --release".into())
    }
}
