//! What is asked of a database from outside: its schema, whether it is whole, a copy of it. All but
//! [`migrate`] work beside a running server.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode};

use crate::{
    control::KEY_ID,
    error::OpenError,
    lock,
    migrate::{self, SCHEMA_VERSION},
    open::{check_library, connect_reader, connect_writer, resolve},
    state::setting,
};

/// How thoroughly a database is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// Whether its pages hang together.
    Quick,
    /// That, and whether its indexes say the same as its tables.
    Full,
}

/// The versions of a schema before and after a migration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Migrated {
    /// The version before; 0 for a new file.
    pub from: u32,
    /// The version now.
    pub to: u32,
}

fn look(path: &Path) -> Result<(PathBuf, Connection), OpenError> {
    check_library(rusqlite::version_number())?;
    let path = resolve(path)?;
    if !path.exists() {
        return Err(OpenError::Missing { path });
    }
    let connection = connect_reader(&path)?;
    Ok((path, connection))
}

/// The version of the schema; 0 for an empty file.
///
/// # Errors
/// [`OpenError`] when there is no such database, or it is not ours or newer than this program.
pub fn schema_version(path: &Path) -> Result<u32, OpenError> {
    let (path, connection) = look(path)?;
    migrate::version(&connection, &path)
}

/// Brings the schema to the present version; makes the file where there is none. Needs the database
/// for itself.
///
/// # Errors
/// [`OpenError`], also when a process has it.
pub fn migrate(path: &Path) -> Result<Migrated, OpenError> {
    check_library(rusqlite::version_number())?;
    let path = resolve(path)?;
    let opened = connect_writer(&path)?;
    Ok(Migrated { from: opened.version_before, to: SCHEMA_VERSION })
}

/// What is wrong with the file: nothing when it is empty; 100 things at most.
///
/// # Errors
/// [`OpenError`] when it cannot be opened at all.
pub fn check_integrity(path: &Path, check: Check) -> Result<Vec<String>, OpenError> {
    let (path, connection) = look(path)?;
    let pragma = match check {
        Check::Quick => "quick_check",
        Check::Full => "integrity_check",
    };
    let mut found = Vec::new();
    connection
        .pragma_query(None, pragma, |row| {
            found.push(row.get::<_, String>(0)?);
            Ok(())
        })
        .map_err(|error| OpenError::from_sqlite(path, &error))?;
    found.retain(|line| line != "ok");
    Ok(found)
}

/// Writes a consistent copy to a file that must not be there yet (mode 0600), and syncs it.
///
/// # Errors
/// [`OpenError`] that names the file that could not be read or written.
pub fn backup(path: &Path, copy: &Path) -> Result<(), OpenError> {
    let (source, connection) = look(path)?;
    let copy = resolve(copy)?;
    let failed = |error: std::io::Error| OpenError::from_io(copy.clone(), &error);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy);
    file.map_err(failed)?;
    let name = copy.to_string_lossy();
    // Written into the empty file just made. A copy changes nothing of what it reads, but the
    // connection must allow a write.
    connection
        .pragma_update(None, "query_only", 0)
        .and_then(|()| connection.execute("VACUUM INTO ?1", [name.as_ref()]))
        .map_err(|error| {
            let is_read = error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt);
            OpenError::from_sqlite(if is_read { source } else { copy.clone() }, &error)
        })?;
    File::open(&copy).and_then(|file| file.sync_all()).map_err(failed)
}

/// The id of the key that the database's secrets are sealed with; `None` until there is one.
///
/// # Errors
/// [`OpenError`] when there is no such database, or it cannot be read.
pub fn key_id(path: &Path) -> Result<Option<String>, OpenError> {
    let (path, connection) = look(path)?;
    if migrate::version(&connection, &path)? == 0 {
        return Ok(None);
    }
    setting(&connection, KEY_ID).map_err(|trouble| {
        let cause = trouble.into_store("key_id").to_string();
        OpenError::Failed { path, cause }
    })
}

/// The process that has the database: `None` when nobody has it, `Some(None)` when its pid cannot
/// be read.
///
/// # Errors
/// [`OpenError`] when the lock cannot be looked at.
pub fn holder(path: &Path) -> Result<Option<Option<u32>>, OpenError> {
    lock::holder(&resolve(path)?)
}
