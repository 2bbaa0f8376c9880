//! What the writer tells the rest of the process, always as of the last commit: nobody who asks for
//! the catalog or for an endpoint's health reads the database.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use tidings_core::{catalog::Catalog, health::EndpointHealth, ids::EndpointId};

use crate::{positions::Positions, state::State};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    catalog: RwLock<Arc<Catalog>>,
    health: RwLock<HashMap<EndpointId, EndpointHealth>>,
    pub(crate) positions: Arc<Positions>,
    pub(crate) broken: OnceLock<String>,
    pub(crate) commits: AtomicU64,
    pub(crate) jobs: AtomicU64,
    pub(crate) failed_jobs: AtomicU64,
    pub(crate) wal_pages: AtomicU32,
    /// Jobs that revoked tokens since the database was opened.
    pub(crate) revocations: AtomicU64,
}

/// What the writer has done since the database was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Metrics {
    /// Commits that wrote something: each is one sync of the write-ahead log.
    pub commits: u64,
    /// Jobs that were answered out of a commit.
    pub jobs: u64,
    /// Jobs that were not done because of the database.
    pub failed_jobs: u64,
    /// Pages in the write-ahead log after the last commit.
    pub wal_pages: u32,
    /// Bytes of the write-ahead log's file.
    pub wal_bytes: u64,
}

impl Shared {
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn health(&self, id: EndpointId) -> EndpointHealth {
        let health = self.health.read().unwrap_or_else(PoisonError::into_inner);
        health.get(&id).cloned().unwrap_or_default()
    }

    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.get().map(String::as_str)
    }

    pub(crate) fn metrics(&self, wal: &Path) -> Metrics {
        Metrics {
            commits: self.commits.load(Ordering::Relaxed),
            jobs: self.jobs.load(Ordering::Relaxed),
            failed_jobs: self.failed_jobs.load(Ordering::Relaxed),
            wal_pages: self.wal_pages.load(Ordering::Relaxed),
            wal_bytes: fs::metadata(wal).map_or(0, |file| file.len()),
        }
    }

    /// Makes what was committed visible.
    pub(crate) fn publish(&self, state: &mut State) {
        if let Some(catalog) = state.changed_catalog() {
            *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
        }
        self.revocations.store(state.revocations_count, Ordering::Release);
        let touched = state.touched_endpoints();
        if !touched.is_empty() {
            self.health.write().unwrap_or_else(PoisonError::into_inner).extend(touched);
        }
    }
}
