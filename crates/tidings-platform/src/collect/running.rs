//! The collections that run in this process: who ends one stops it at once, in the middle of a call
//! to its adapter; and who begins one is heard at once.
//!
//! The row of the task is the truth, and this is a hint beside it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_core::ids::ApplicationId;
use tidings_store::TaskChange;
use tidings_work::Worker;
use tokio::sync::Notify;

use super::collector::Collector;

/// See the module.
#[derive(Debug, Default)]
pub struct Running {
    begun: Notify,
    runs: Mutex<Vec<Arc<Run>>>,
}

#[derive(Debug)]
struct Run {
    application: ApplicationId,
    account: String,
    stop: Notify,
}

/// Wakes the collector for each collection that begins: whoever links an account waits for it. Does
/// not end by itself.
pub async fn wake_for_new(worker: Arc<Worker<Collector>>, running: Arc<Running>) {
    loop {
        running.begun().await;
        worker.wake();
    }
}

/// One that runs, until it is dropped.
pub(super) struct Entered<'a> {
    running: &'a Running,
    run: Arc<Run>,
}

impl Running {
    /// Returns when a collection was put to work since the last call.
    async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Tells of changes that were committed by somebody else than the collections' workers.
    pub(crate) fn changed(&self, tasks: &[TaskChange]) {
        for change in tasks {
            match change {
                TaskChange::Put { application, key, .. } => {
                    self.stop(*application, key);
                    self.begun.notify_one();
                }
                TaskChange::Remove { application, key, .. } => self.stop(*application, key),
                TaskChange::Keep { .. } | TaskChange::Finish { .. } => {}
            }
        }
    }

    fn stop(&self, application: ApplicationId, account: &str) {
        let runs = self.runs();
        let meant = |run: &&Arc<Run>| run.application == application && run.account == account;
        // A stop that nobody waits for yet is kept for who will.
        runs.iter().filter(meant).for_each(|run| run.stop.notify_one());
    }

    pub(super) fn enter(&self, application: ApplicationId, account: &str) -> Entered<'_> {
        let account = account.to_owned();
        let run = Arc::new(Run { application, account, stop: Notify::new() });
        self.runs().push(Arc::clone(&run));
        Entered { running: self, run }
    }

    fn runs(&self) -> MutexGuard<'_, Vec<Arc<Run>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered<'_> {
    /// Returns when it is to stop.
    pub(super) async fn stopped(&self) {
        self.run.stop.notified().await;
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.running.runs().retain(|run| !Arc::ptr_eq(run, &self.run));
    }
}
