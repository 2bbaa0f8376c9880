//! `tidings doctor`: what is wrong with this installation, and how to mend it. Works beside a
//! running server.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, access},
    io::Errno,
};
use serde_json::{Value, json};
use tidings_core::secret::Vault;
use tidings_egress::{Egress, EgressOptions, Profile};

use super::demo::notes::Notes;
use crate::{
    cli::Doctor,
    client::Client,
    clock,
    config::{Config, Database, FILE_DEFAULT, KeyPlace, KeySource, Overrides},
    failure::Failure,
    output,
    wiring::{self, Inspection},
};

/// Less free room than this is bad.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Less free room than this is worth a word.
const FREE_BYTES_ADVISED: u64 = 1024 * 1024 * 1024;
/// 2026-01-01: a clock before this program was written is wrong.
const WALL_MS_MIN: i64 = 1_767_225_600_000;
/// 2100-01-01.
const WALL_MS_MAX: i64 = 4_102_444_800_000;

/// How it stands with one thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Good,
    /// Works, and could be better.
    Note,
    Bad,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    standing: Standing,
    detail: String,
    /// What to do; empty where nothing is.
    remedy: String,
}

impl Finding {
    fn good(what: &'static str, detail: impl Into<String>) -> Finding {
        let remedy = String::new();
        Finding { what, standing: Standing::Good, detail: detail.into(), remedy }
    }

    fn note(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
        let (detail, remedy) = (detail.into(), remedy.into());
        Finding { what, standing: Standing::Note, detail, remedy }
    }

    fn bad(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
        let (detail, remedy) = (detail.into(), remedy.into());
        Finding { what, standing: Standing::Bad, detail, remedy }
    }
}

pub async fn run(options: Doctor) -> Result<(), Failure> {
    // A demo takes another port where the usual one is taken, and writes down which.
    let noted = options.data_dir.as_deref().and_then(|folder| Notes::read(folder).address());
    let listen = options.listen.clone().or(noted);
    let overrides = Overrides { listen, ..options.config.overrides() };
    let mut findings = Vec::new();
    let read = match &options.data_dir {
        Some(folder) => Config::demo(folder, &overrides),
        None => Config::read(&overrides),
    };
    match read {
        Err(error) => findings.push(Finding::bad("configuration", error.to_string(), "")),
        Ok(config) => {
            let from = match &config.file {
                Some(file) => file.display().to_string(),
                None if options.data_dir.is_some() => "the demo's".to_owned(),
                None => format!("no {FILE_DEFAULT} here: the defaults"),
            };
            findings.push(Finding::good("configuration", from));
            look_at(&config, &mut findings).await;
        }
    }
    findings.push(wall_clock());
    for finding in &findings {
        print(finding, options.json);
    }
    match findings.iter().filter(|finding| finding.standing == Standing::Bad).count() {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "{count} of {} things are bad: do what is said beside them",
            findings.len()
        ))),
    }
}

async fn look_at(config: &Config, findings: &mut Vec<Finding>) {
    let Database::Sqlite(path) = &config.database;
    match wiring::inspect(&config.database).await {
        Err(error) => findings.push(Finding::bad("database", error.to_string(), "")),
        Ok(inspection) => {
            findings.push(database(&config.database, &inspection));
            findings.extend(schema_version(&inspection));
            findings.extend(integrity(&inspection));
            findings.push(key(config, &inspection));
        }
    }
    findings.push(rights(&config.database));
    findings.push(disk(path));
    findings.push(listener(config.server.listen).await);
    findings.push(trust(config));
    if config.delivery.allow_http || !config.delivery.allow_addresses.is_empty() {
        let ranges: Vec<String> =
            config.delivery.allow_addresses.iter().map(ToString::to_string).collect();
        findings.push(Finding::note(
            "delivery",
            format!("http: {}, opened: {}", config.delivery.allow_http, ranges.join(", ")),
            "right for development; in production close what no receiver needs",
        ));
    }
}

fn database(database: &Database, inspection: &Inspection) -> Finding {
    let what = "database";
    match (inspection.schema_version, &inspection.used_by) {
        (None, Some(who)) => Finding::bad(
            what,
            format!("{database} is not there, and {who} has it open"),
            "put the file back, with its -wal and -shm, and restart that process",
        ),
        (None, None) => match wiring::lost(database) {
            Some(why) => Finding::bad(what, why, ""),
            None => Finding::note(
                what,
                format!("{database} does not exist yet"),
                "`tidings serve` makes it",
            ),
        },
        (Some(_), Some(who)) => Finding::good(what, format!("{database}, in use by {who}")),
        (Some(_), None) => Finding::good(what, format!("{database}, in use by nobody")),
    }
}

fn schema_version(inspection: &Inspection) -> Option<Finding> {
    let found = inspection.schema_version?;
    let supported = inspection.schema_version_supported;
    let what = "schema";
    Some(match found.cmp(&supported) {
        std::cmp::Ordering::Equal => Finding::good(what, format!("version {found}")),
        std::cmp::Ordering::Less => Finding::note(
            what,
            format!("version {found}, this program's is {supported}"),
            "`tidings migrate`, or the next start, brings it up",
        ),
        std::cmp::Ordering::Greater => Finding::bad(
            what,
            format!("version {found}, this program knows {supported} at most"),
            "use the later program that wrote it",
        ),
    })
}

fn integrity(inspection: &Inspection) -> Option<Finding> {
    let what = "integrity";
    Some(match inspection.integrity.as_ref()? {
        Ok(()) => Finding::good(what, "the database's quick check finds nothing"),
        Err(why) => Finding::bad(
            what,
            why.clone(),
            "stop the server, keep a copy of the file, and go back to the last good backup",
        ),
    })
}

fn key(config: &Config, inspection: &Inspection) -> Finding {
    let what = "key";
    let wanted = inspection.key_id.as_deref();
    match (config.key.read(), wanted) {
        (Err(error), _) => Finding::bad(what, error.to_string(), ""),
        (Ok(KeySource::Missing), None) => Finding::note(
            what,
            format!("{} does not exist yet", config.key),
            "the first `tidings serve` makes it",
        ),
        (Ok(KeySource::Missing), Some(wanted)) => Finding::bad(
            what,
            format!("{} is missing, the database wants the key {wanted}", config.key),
            "put that key back, from where it is kept beside the backups",
        ),
        (Ok(KeySource::Present(key)), wanted) => {
            let vault = Vault::new(&key);
            match wanted {
                Some(wanted) if wanted != vault.key_id() => Finding::bad(
                    what,
                    format!(
                        "{} holds the key {}, the database wants the key {wanted}",
                        config.key,
                        vault.key_id()
                    ),
                    "start with the key that belongs to this database",
                ),
                _ => match open_to_others(&config.key) {
                    Some(mode) => Finding::bad(
                        what,
                        format!("others can read {}, its mode is {mode:04o}", config.key),
                        format!("`chmod 600 {}`", config.key),
                    ),
                    None => Finding::good(
                        what,
                        format!("{} holds the key {}", config.key, vault.key_id()),
                    ),
                },
            }
        }
    }
}

/// The mode of a key file that is not its owner's alone.
fn open_to_others(key: &KeyPlace) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let KeyPlace::File(path) = key else { return None };
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

fn folder_of(database: &Path) -> &Path {
    match database.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether this user may write what a server writes, as far as it is there.
fn rights(database: &Database) -> Finding {
    let what = "rights";
    let Database::Sqlite(path) = database;
    let beside = |ending: &str| {
        let mut name = path.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    let documents = database.documents_folder();
    let folders = [folder_of(path).to_owned(), documents.clone(), documents.join("incoming")];
    let files = [path.clone(), beside("-wal"), beside("-shm"), beside(".lock")];
    let user = rustix::process::getuid().as_raw();
    if documents.exists() && !documents.is_dir() {
        let why = format!("{} is no folder", documents.display());
        return Finding::bad(what, why, "move away what is there");
    }
    let written = Access::READ_OK | Access::WRITE_OK;
    let entered = folders.into_iter().map(|folder| (folder, written | Access::EXEC_OK));
    for (path, wanted) in entered.chain(files.into_iter().map(|file| (file, written))) {
        match access(&path, wanted) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => {
                return Finding::bad(
                    what,
                    format!("user {user} may not write {}: {error}", path.display()),
                    "give that user the file and its folder, or look as the user that serves",
                );
            }
        }
    }
    Finding::good(what, format!("user {user} may write what a server writes"))
}

fn disk(database: &Path) -> Finding {
    let what = "disk";
    let folder = folder_of(database);
    match rustix::fs::statvfs(folder) {
        Err(error) => Finding::bad(
            what,
            format!("{}: {error}", folder.display()),
            "make the folder, or name another database",
        ),
        Ok(room) => {
            let free = room.f_bavail.saturating_mul(room.f_frsize);
            let detail = format!("{} MiB free in {}", free / 1024 / 1024, folder.display());
            match free {
                free if free < FREE_BYTES_MIN => {
                    Finding::bad(what, detail, "make room before the database cannot grow")
                }
                free if free < FREE_BYTES_ADVISED => {
                    Finding::note(what, detail, "watch it: payloads are kept here")
                }
                _ => Finding::good(what, detail),
            }
        }
    }
}

/// Free, or ours: whoever answers `/healthz` as we do is taken for us.
async fn listener(address: SocketAddr) -> Finding {
    let what = "listener";
    let bound = std::net::TcpListener::bind(address);
    let error = match bound {
        Ok(_closed_at_once) => return Finding::good(what, format!("{address} is free")),
        Err(error) => error,
    };
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return Finding::bad(
            what,
            format!("{address}: {error}"),
            "name an address of this machine in server.listen",
        );
    }
    let client = Client::to(&format!("http://{address}"), None).ok();
    let ask = async |path| client.as_ref()?.get(path).await.ok();
    match ask("/healthz").await {
        Some(answer) if answer.status == 200 && answer.body["status"] == "alive" => {}
        _ => {
            return Finding::bad(
                what,
                format!("another program listens on {address}"),
                "stop it, or name another address in server.listen",
            );
        }
    }
    match ask("/readyz").await {
        Some(answer) if answer.status == 200 => {
            Finding::good(what, format!("{address}: a server is running there"))
        }
        answer => {
            let reason = answer.as_ref().and_then(|answer| answer.body["reason"].as_str());
            let reason = reason.unwrap_or("/readyz does not say why");
            Finding::bad(
                what,
                format!("{address}: the server there is not ready: {reason}"),
                "mend that, and see its log",
            )
        }
    }
}

fn trust(config: &Config) -> Finding {
    let what = "authorities";
    let options = EgressOptions::new(config.delivery.ca_file.clone(), config.delivery.resolver);
    match Egress::new(Profile::default(), options) {
        Err(error) => Finding::bad(what, error.to_string(), "mend the [delivery] section"),
        Ok(_) => Finding::good(what, "those that sign https certificates are there"),
    }
}

fn wall_clock() -> Finding {
    let now = clock::wall();
    if (WALL_MS_MIN..WALL_MS_MAX).contains(&now.0) {
        return Finding::good("clock", now.iso());
    }
    Finding::bad(
        "clock",
        format!("it says {now}"),
        "set the machine's clock: receivers refuse signatures that are 5 minutes off",
    )
}

fn print(finding: &Finding, is_json: bool) {
    let word = match finding.standing {
        Standing::Good => "ok",
        Standing::Note => "note",
        Standing::Bad => "BAD",
    };
    if is_json {
        let line: Value = json!({
            "what": finding.what, "standing": word.to_lowercase(), "detail": finding.detail,
            "remedy": finding.remedy,
        });
        return output::line(&line.to_string());
    }
    let remedy = match finding.remedy.as_str() {
        "" => String::new(),
        remedy => format!(": {remedy}"),
    };
    output::text(&format!("{word:<5} {:<14} {}{remedy}", finding.what, finding.detail));
}
