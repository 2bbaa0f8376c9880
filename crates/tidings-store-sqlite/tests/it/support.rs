//! What the tests share.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidings_store_sqlite::{Options, SqliteStore};

/// A directory of its own and the path of a database in it.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tidings.db");
    (directory, path)
}

/// Opens a database as a server does.
pub(crate) fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Options::standard()).unwrap()
}

/// A new database, and the directory that must live as long.
pub(crate) fn fresh() -> (SqliteStore, TempDir) {
    let (directory, path) = place();
    (open(&path), directory)
}
