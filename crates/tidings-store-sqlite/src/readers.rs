//! Connections that read, each used by one blocking thread at a time. What they read in one call is
//! one snapshot.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tidings_store::StoreError;
use tokio::sync::Semaphore;

use crate::{
    error::{OpenError, Trouble},
    open::connect_reader,
};

/// The pool.
#[derive(Debug)]
pub(crate) struct Readers {
    idle: Arc<Idle>,
    permits: Arc<Semaphore>,
}

#[derive(Debug)]
struct Idle {
    path: PathBuf,
    connections: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Opens all of them, so that later none is missing for want of file descriptors.
    pub(crate) fn open(path: &Path, count: usize) -> Result<Readers, OpenError> {
        let count = count.max(1);
        let connections = (0..count).map(|_| connect_reader(path)).collect::<Result<_, _>>()?;
        Ok(Readers {
            idle: Arc::new(Idle { path: path.to_owned(), connections: Mutex::new(connections) }),
            permits: Arc::new(Semaphore::new(count)),
        })
    }

    /// Reads on a snapshot.
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<R, Trouble> + Send + 'static,
    ) -> Result<R, StoreError> {
        let unavailable = |cause: String| StoreError::Unavailable { operation, cause };
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let idle = Arc::clone(&self.idle);
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = idle.take()?;
            let result = snapshot(&connection, work);
            idle.give_back(connection);
            result
        });
        match read.await {
            Ok(result) => result.map_err(|trouble| trouble.into_store(operation)),
            // A panic: the connection is gone with it, and the next reader opens another.
            Err(error) => Err(unavailable(error.to_string())),
        }
    }
}

impl Idle {
    fn take(&self) -> Result<Connection, Trouble> {
        let idle = self.connections.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => connect_reader(&self.path)
                .map_err(|error| Trouble::corrupt("the database's file", error)),
        }
    }

    fn give_back(&self, connection: Connection) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

fn snapshot<R>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<R, Trouble>,
) -> Result<R, Trouble> {
    let transaction = connection.unchecked_transaction()?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}
