//! From a path to a connection.
//!
//!   library ─► directory ─► lock ─► file (mode 0600) ─► write-ahead log ─► schema ─► leases of the
//! process before are void

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{
    error::{OpenError, Trouble},
    lock::Lock,
    migrate,
    state::{EPOCH, keep_setting, setting},
};

/// The least version of SQLite, as it numbers itself: before it, a checkpoint could lose what
/// another connection had committed.
pub const LIBRARY_VERSION_MIN: i32 = 3_051_003;
/// How long a connection waits for another that is recovering the log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 160;
/// Bytes that the log's file keeps once it was brought into the database.
const LOG_BYTES_KEPT: i64 = 64 * 1024 * 1024;
/// Kibibytes of pages that the writer keeps in memory.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// Kibibytes of pages that each reader keeps in memory.
const READER_CACHE_KIB: i64 = 16 * 1024;

/// Refuses a library with defects that lose data.
///
/// # Errors
/// [`OpenError::OldLibrary`] when `found` is before [`LIBRARY_VERSION_MIN`].
pub fn check_library(found: i32) -> Result<(), OpenError> {
    if found >= LIBRARY_VERSION_MIN {
        return Ok(());
    }
    Err(OpenError::OldLibrary { found: dotted(found), needed: dotted(LIBRARY_VERSION_MIN) })
}

fn dotted(version: i32) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000)
}

/// The path with its directory resolved, so that two names of one file are one.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    if let Ok(resolved) = fs::canonicalize(path) {
        return Ok(resolved);
    }
    let failed = |cause: &str| OpenError::Failed { path: path.to_owned(), cause: cause.to_owned() };
    let name = path.file_name().ok_or_else(|| failed("the path names no file"))?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::canonicalize(directory) {
        Ok(directory) => Ok(directory.join(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(OpenError::NoDirectory { path: directory.to_owned() })
        }
        Err(error) => Err(OpenError::from_io(directory.to_owned(), &error)),
    }
}

/// Makes the file that no one else may read, unless it is there. Never opens one that is: closing
/// it again would take away the locks that SQLite holds on it.
fn make_file(path: &Path) -> Result<(), OpenError> {
    let failed = |error: io::Error| OpenError::from_io(path.to_owned(), &error);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            file.sync_all().map_err(failed)?;
            let directory = path.parent().unwrap_or(Path::new("/"));
            File::open(directory).and_then(|it| it.sync_all()).map_err(failed)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// The connection that writes, on the present schema.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The connection.
    pub(crate) connection: Connection,
    /// Dropped after the connection.
    pub(crate) lock: Lock,
    /// The version of the schema that was found.
    pub(crate) version_before: u32,
}

/// Takes the database for this process, and brings its schema up.
pub(crate) fn connect_writer(path: &Path) -> Result<Opened, OpenError> {
    let lock = Lock::take(path)?;
    make_file(path)?;
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // Asked before anything is changed: a database of another program stays as it is.
    migrate::version(&connection, path)?;
    set_up_writer(&connection, path)?;
    let version_before = migrate::migrate(&mut connection, path)?;
    Ok(Opened { connection, lock, version_before })
}

fn set_up_writer(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        let cause = format!("its journal mode stays `{mode}`: use a local file system");
        return Err(OpenError::Failed { path: path.to_owned(), cause });
    }
    let pragmas: [(&str, i64); 8] = [
        ("synchronous", 2), // FULL: the log is synced before a commit returns
        ("foreign_keys", 1),
        ("cache_size", -WRITER_CACHE_KIB),
        ("temp_store", 2), // memory: no files that could fail to open
        ("journal_size_limit", LOG_BYTES_KEPT),
        ("wal_autocheckpoint", 0), // the writer does it, and looks at what comes of it
        ("trusted_schema", 0),
        ("secure_delete", 1), // what is erased is overwritten, and not only let go
    ];
    for (name, value) in pragmas {
        connection.pragma(None, name, value, |_| Ok(())).map_err(failed)?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(())
}

/// A connection that only reads.
pub(crate) fn connect_reader(path: &Path) -> Result<Connection, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let pragmas: [(&str, i64); 4] = [
        ("query_only", 1),
        ("cache_size", -READER_CACHE_KIB),
        ("temp_store", 2),
        ("trusted_schema", 0),
    ];
    for (name, value) in pragmas {
        connection.pragma(None, name, value, |_| Ok(())).map_err(failed)?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

/// Begins the time of this process: whoever opens the database alone knows that nobody holds a
/// lease any more. The leases end at once and still count as begun, so that a delivery whose body
/// ends the process is set aside in the end.
pub(crate) fn begin(connection: &mut Connection) -> Result<(), Trouble> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let epoch: Option<u64> = setting(&transaction, EPOCH)?;
    keep_setting(&transaction, EPOCH, &epoch.map_or(0, |before| before + 1))?;
    transaction.execute(
        "UPDATE delivery SET next_at = 0 WHERE id IN (
             SELECT id FROM delivery INDEXED BY delivery_open WHERE state < 2 AND state = 1)",
        [],
    )?;
    transaction.execute(
        "UPDATE task SET token = NULL, next_at = due_at WHERE id IN (
             SELECT id FROM task INDEXED BY task_leased WHERE token IS NOT NULL)",
        [],
    )?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_with_known_defects_is_refused() {
        let error = check_library(3_051_002).unwrap_err().to_string();
        assert!(error.contains("3.51.2") && error.contains("3.51.3"), "{error}");
        check_library(LIBRARY_VERSION_MIN).unwrap();
        check_library(rusqlite::version_number()).unwrap();
    }
}
