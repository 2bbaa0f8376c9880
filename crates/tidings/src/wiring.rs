//! Which database it is: the only file that names one.

use std::{path::Path, sync::Arc};

use tidings_store::Store;
use tidings_store_sqlite::{Check, OpenError, Options, SqliteStore};

use crate::{config::Database, failure::Failure};

/// What opening came to, for those who know what to do when another process has the database.
pub enum Opened {
    /// It is ours.
    Store(Arc<dyn Store>),
    /// Another process has it.
    InUse {
        /// Which, and what to do.
        why: String,
    },
}

/// What `doctor` and `migrate` want to know. Reading it changes nothing and disturbs nobody.
pub struct Inspection {
    /// The version of its schema; `None` where there is no database yet.
    pub schema_version: Option<u32>,
    /// The version that this program reads and writes.
    pub schema_version_supported: u32,
    /// Who has it, in words; `None`: nobody.
    pub used_by: Option<String>,
    /// What a quick check finds; `None` where there is nothing to check.
    pub integrity: Option<Result<(), String>>,
    /// The id of the key that its secrets are sealed with.
    pub key_id: Option<String>,
}

/// Why there may be no new database: documents are there, so one was, and a new one would have them
/// all cleared away as nobody's.
pub fn lost(database: &Database) -> Option<String> {
    let Database::Sqlite(path) = database;
    let is_there = std::fs::metadata(path).is_ok_and(|about| about.len() > 0);
    let folder = database.documents_folder();
    if is_there || !holds_documents(&folder) {
        return None;
    }
    Some(format!(
        "the database {} is missing or empty, and {} beside it holds documents, which a new \
         database would clear away: put the database back (the file, its -wal and its -shm), or \
         move that folder away to begin anew",
        path.display(),
        folder.display()
    ))
}

fn holds_documents(folder: &Path) -> bool {
    let within = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut shelves = within(folder).filter(|entry| entry.file_name() != "incoming");
    shelves.any(|shelf| within(&shelf.path()).next().is_some())
}

/// Opens the database for this process alone, makes it where it is missing, and brings its schema
/// up.
pub async fn open(database: &Database) -> Result<Arc<dyn Store>, Failure> {
    match try_open(database).await? {
        Opened::Store(store) => Ok(store),
        Opened::InUse { why } => Err(Failure::new(why)),
    }
}

/// As [`open`], with another process's hold as a value.
pub async fn try_open(database: &Database) -> Result<Opened, Failure> {
    if let Some(why) = lost(database) {
        return Err(Failure::new(why));
    }
    let Database::Sqlite(path) = database.clone();
    let opened = on_a_thread(move || SqliteStore::open(&path, Options::standard())).await?;
    match opened {
        Ok(store) => Ok(Opened::Store(Arc::new(store))),
        Err(error @ OpenError::InUse { .. }) => Ok(Opened::InUse { why: error.to_string() }),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

/// Brings the schema up; gives the versions before and after. 0 is no database.
pub async fn migrate(database: &Database) -> Result<(u32, u32), Failure> {
    if let Some(why) = lost(database) {
        return Err(Failure::new(why));
    }
    let Database::Sqlite(path) = database.clone();
    match on_a_thread(move || tidings_store_sqlite::migrate(&path)).await? {
        Ok(migrated) => Ok((migrated.from, migrated.to)),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

/// Looks at the database, also while a server has it.
pub async fn inspect(database: &Database) -> Result<Inspection, Failure> {
    let Database::Sqlite(path) = database.clone();
    on_a_thread(move || {
        let schema_version = match tidings_store_sqlite::schema_version(&path) {
            Ok(0) | Err(OpenError::Missing { .. }) => None,
            Ok(version) => Some(version),
            Err(OpenError::Newer { found, .. }) => Some(found),
            Err(error) => return Err(error),
        };
        let supported = tidings_store_sqlite::SCHEMA_VERSION;
        let is_readable = schema_version.is_some_and(|version| version <= supported);
        let used_by = tidings_store_sqlite::holder(&path)?.map(|pid| match pid {
            Some(pid) => format!("pid {pid}"),
            None => "another process".to_owned(),
        });
        let integrity = schema_version.map(|_| quick_check(&path));
        Ok(Inspection {
            schema_version,
            schema_version_supported: supported,
            used_by,
            integrity,
            key_id: if is_readable { tidings_store_sqlite::key_id(&path)? } else { None },
        })
    })
    .await?
    .map_err(|error| Failure::new(error.to_string()))
}

fn quick_check(path: &Path) -> Result<(), String> {
    match tidings_store_sqlite::check_integrity(path, Check::Quick) {
        Ok(found) if found.is_empty() => Ok(()),
        Ok(found) => Err(found.join("; ")),
        // What is to be done about it, the reader knows.
        Err(OpenError::Damaged { cause, .. }) => Err(cause),
        Err(error) => Err(error.to_string()),
    }
}

/// Opening reads and syncs, which is no work for the threads that serve.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::new(format!("opening the database broke down: {error}")))
}
