//! What can go wrong, on the way in (for the one who starts the program) and inside (for the
//! writer, which must know whether a job was refused before it wrote anything, or broke down
//! half-way).

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;
use rustix::fs::{Access, access};
use tidings_store::StoreError;

use crate::lock::beside;

/// Why a database was not opened. Each is one line for people: what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the database {} is in use by {}: stop that process, or use another database",
        path.display(),
        by(*pid)
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// Who has it, as far as it could be read.
        pid: Option<u32>,
    },
    /// The SQLite library that is linked has defects that lose data.
    #[error(
        "SQLite {found} is linked, which can damage a database in WAL mode under load: \
         build with SQLite {needed} or later"
    )]
    OldLibrary {
        /// Its version.
        found: String,
        /// The least version.
        needed: String,
    },
    /// A later version of the program has written it.
    #[error(
        "the database {} has schema version {found}, and this program knows versions up to \
         {supported}: use the program that wrote it, or a later one",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The latest that this program knows.
        supported: u32,
    },
    /// Its schema is older than this program's and was not to be changed.
    #[error(
        "the database {} has schema version {found}, and this program needs {supported}: \
         run `tidings migrate`",
        path.display()
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The one that this program needs.
        supported: u32,
    },
    /// There is no such file, and none was to be made.
    #[error(
        "there is no database {}: give the path of one, or start the server to make it",
        path.display()
    )]
    Missing {
        /// The database.
        path: PathBuf,
    },
    /// The directory that it should be in does not exist.
    #[error(
        "there is no directory {} for the database: make it, or give another path",
        path.display()
    )]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The file is something else.
    #[error(
        "{} is not a database of Tidings ({cause}): give another path, or go back to the last \
         good backup where it was one",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What it is, as far as that is known.
        cause: String,
    },
    /// The file or its directory may not be written.
    #[error(
        "user {uid} may not write {}: {cause}. Give that user the file and its directory, \
         or use another path",
        path.display()
    )]
    NotPermitted {
        /// The file.
        path: PathBuf,
        /// The user that runs this program.
        uid: u32,
        /// What the system said.
        cause: String,
    },
    /// Its pages do not hang together.
    #[error(
        "the database {} is damaged ({cause}): stop what uses it, keep a copy of its files, and \
         go back to the last good backup",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// There is no room for it.
    #[error("the database {} cannot be opened: {cause}: make room on its disk", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// Anything else.
    #[error("the database {} cannot be opened: {cause}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
}

fn by(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("pid {pid}"))
}

impl OpenError {
    pub(crate) fn from_io(path: PathBuf, error: &io::Error) -> OpenError {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                OpenError::not_permitted(path, error.to_string())
            }
            _ => OpenError::Failed { path, cause: error.to_string() },
        }
    }

    pub(crate) fn from_sqlite(path: PathBuf, error: &rusqlite::Error) -> OpenError {
        let cause = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path, cause },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                OpenError::not_permitted(path, cause)
            }
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, cause },
            Some(ErrorCode::DiskFull) => OpenError::Full { path, cause },
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) if path.is_dir() => {
                OpenError::NotADatabase { path, cause: "it is a folder".to_owned() }
            }
            Some(ErrorCode::CannotOpen) => {
                let files = [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")];
                match files.into_iter().find(|file| file.exists() && !may_write(file)) {
                    Some(file) => OpenError::not_permitted(file, cause),
                    None => OpenError::Failed { path, cause },
                }
            }
            _ => OpenError::Failed { path, cause },
        }
    }

    fn not_permitted(path: PathBuf, cause: String) -> OpenError {
        OpenError::NotPermitted { path, uid: rustix::process::geteuid().as_raw(), cause }
    }
}

fn may_write(path: &Path) -> bool {
    access(path, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// What breaks a read or a job down.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// SQLite said no.
    Sqlite(rusqlite::Error),
    /// A row holds what cannot be in it.
    Corrupt {
        /// The table and id.
        what: String,
        /// What is wrong.
        cause: String,
    },
    /// A defect of this program, caught.
    Panicked,
}

impl Trouble {
    pub(crate) fn corrupt(what: impl Into<String>, cause: impl ToString) -> Trouble {
        Trouble::Corrupt { what: what.into(), cause: cause.to_string() }
    }

    pub(crate) fn into_store(self, operation: &'static str) -> StoreError {
        match self {
            Trouble::Sqlite(error) => {
                StoreError::Unavailable { operation, cause: error.to_string() }
            }
            Trouble::Corrupt { what, cause } => StoreError::Corrupt { operation, what, cause },
            Trouble::Panicked => StoreError::Unavailable {
                operation,
                cause: "a defect of the program ended the operation; nothing was written"
                    .to_owned(),
            },
        }
    }

    /// Whether the disk or the file can no longer be relied on. A disk that is full is not such a
    /// case: space comes back.
    pub(crate) fn is_fatal(&self) -> bool {
        let Trouble::Sqlite(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::ReadOnly
            )
        )
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Trouble {
        Trouble::Sqlite(error)
    }
}

/// Why a job did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Stop<E> {
    /// The contract says no. Nothing was written.
    Refused(E),
    /// It broke down, perhaps half-way: everything since `BEGIN` must be undone.
    Trouble(Trouble),
}

impl<E> From<Trouble> for Stop<E> {
    fn from(trouble: Trouble) -> Stop<E> {
        Stop::Trouble(trouble)
    }
}

impl<E> From<rusqlite::Error> for Stop<E> {
    fn from(error: rusqlite::Error) -> Stop<E> {
        Stop::Trouble(error.into())
    }
}
