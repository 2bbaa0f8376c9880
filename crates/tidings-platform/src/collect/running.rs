//! The collections that run in this process: who ends one stops it at once, in the middle of a call
//! to its adapter; and who begins one is heard at once. How they end is counted.
//!
//! The row of the task is the truth, and this is a hint beside it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

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
    ended: Mutex<BTreeMap<&'static str, u64>>,
}

/// What the collections of this process came to since it began.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CollectionCounts {
    /// Those that run.
    pub in_flight: usize,
    /// Runs that ended, by how.
    pub ended: BTreeMap<&'static str, u64>,
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
    /// How many run, and how those that ended did.
    #[must_use]
    pub fn counts(&self) -> CollectionCounts {
        CollectionCounts { in_flight: self.runs().len(), ended: self.ended().clone() }
    }

    /// Counts a run that ended.
    pub(super) fn count(&self, outcome: &'static str) {
        *self.ended().entry(outcome).or_default() += 1;
    }

    /// Returns when a collection was put to work since the last call.
    async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Stops what is about to be removed, so that it adds nothing to what goes. Where it is not
    /// removed after all, it goes on when its lease has run out.
    pub(crate) fn removing(&self, tasks: &[TaskChange]) {
        for change in tasks {
            if let TaskChange::Remove { application, key, .. } = change {
                self.stop(*application, key);
            }
        }
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
                TaskChange::Keep { .. }
                | TaskChange::GiveBack { .. }
                | TaskChange::Finish { .. } => {}
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

    fn ended(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
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
