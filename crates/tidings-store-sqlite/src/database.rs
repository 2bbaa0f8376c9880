//! A database that is open, and how it came to be.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tidings_store::StoreError;

use crate::{
    error::{OpenError, Stop, Trouble},
    lock::{Lock, beside},
    migrate::{self, SCHEMA_VERSION},
    open,
    readers::Readers,
    shared::{Metrics, Shared},
    state::{State, Tx},
    writer::{Files, Writer},
};

/// How a database is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Connections that read at the same time; at least 1.
    pub readers: usize,
    /// The most pages (of 4 KiB) that the database may have: beyond, writes fail as on a full disk.
    /// `None`: no bound.
    pub pages_max: Option<u32>,
}

impl Options {
    /// What fits a server.
    #[must_use]
    pub fn standard() -> Options {
        Options { readers: 4, pages_max: None }
    }
}

/// A database that is open; see the crate. Dropping it writes what waits and brings the log into
/// the database.
#[derive(Debug)]
pub struct SqliteStore {
    /// Absent where the database is only read. Dropped before the lock.
    pub(crate) writer: Option<Writer>,
    pub(crate) readers: Readers,
    pub(crate) shared: Arc<Shared>,
    path: PathBuf,
    _lock: Option<Lock>,
}

impl SqliteStore {
    /// Opens the database and has it alone; makes the file where there is none, and brings its
    /// schema up. All leases in it are void: the next claim gives those deliveries out.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub fn open(path: &Path, options: Options) -> Result<SqliteStore, OpenError> {
        open::check_library(rusqlite::version_number())?;
        let path = open::resolve(path)?;
        let open::Opened { mut connection, lock, .. } = open::connect_writer(&path)?;
        let failed = |trouble: Trouble| open_failed(&path, trouble);
        if let Some(pages_max) = options.pages_max {
            connection
                .pragma(None, "max_page_count", pages_max, |_| Ok(()))
                .map_err(|error| failed(error.into()))?;
        }
        open::begin(&mut connection).map_err(failed)?;
        let mut state = State::load(&connection, &State::default()).map_err(failed)?;
        let shared = Arc::new(Shared::default());
        shared.publish(&mut state);
        let unreadable = |error: std::io::Error| OpenError::from_io(path.clone(), &error);
        let files = Files::of([path.clone(), beside(&path, "-wal")]).map_err(unreadable)?;
        let readers = Readers::open(&path, options.readers)?;
        let writer = Writer::start(connection, state, files, Arc::clone(&shared));
        let writer = Some(writer.map_err(unreadable)?);
        Ok(SqliteStore { writer, readers, shared, path, _lock: Some(lock) })
    }

    /// Opens a database to read it, also beside a process that has it. Verbs that write answer that
    /// it cannot be used.
    ///
    /// # Errors
    /// [`OpenError`]: also when its schema is not the present one.
    pub fn open_read_only(path: &Path) -> Result<SqliteStore, OpenError> {
        open::check_library(rusqlite::version_number())?;
        let path = open::resolve(path)?;
        if !path.exists() {
            return Err(OpenError::Missing { path });
        }
        let connection = open::connect_reader(&path)?;
        let found = migrate::version(&connection, &path)?;
        if found < SCHEMA_VERSION {
            return Err(OpenError::Older { path, found, supported: SCHEMA_VERSION });
        }
        let state = State::load(&connection, &State::default());
        let shared = Arc::new(Shared::default());
        shared.publish(&mut state.map_err(|trouble| open_failed(&path, trouble))?);
        let readers = Readers::open(&path, 1)?;
        Ok(SqliteStore { writer: None, readers, shared, path, _lock: None })
    }

    /// What the writer has done since the database was opened.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics(&beside(&self.path, "-wal"))
    }

    /// Why nothing is written any more, after the disk or the file failed in a way that only a
    /// restart mends: not ready.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        self.shared.broken()
    }

    /// The file, with its directory resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn write<R, E>(
        &self,
        operation: &'static str,
        weight: usize,
        work: impl FnMut(&mut Tx<'_>) -> Result<R, Stop<E>> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.writer {
            Some(writer) => writer.write(operation, weight, work).await,
            None => {
                let cause = "it was opened for reading alone".to_owned();
                Err(StoreError::Unavailable { operation, cause }.into())
            }
        }
    }

    /// A write that is never refused.
    pub(crate) async fn keep<R: Send + 'static>(
        &self,
        operation: &'static str,
        weight: usize,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<R, Trouble> + Send + 'static,
    ) -> Result<R, StoreError> {
        self.write(operation, weight, move |tx| work(tx).map_err(Stop::<StoreError>::from)).await
    }
}

fn open_failed(path: &Path, trouble: Trouble) -> OpenError {
    let path = path.to_owned();
    match trouble {
        Trouble::Sqlite(error) => OpenError::from_sqlite(path, &error),
        other => OpenError::Failed { path, cause: other.into_store("open").to_string() },
    }
}
