//! Leases on collections: as long as the work lasts, and no longer.

use std::{pin::pin, sync::Arc};

use tidings_core::time::{Elapsed, Now};
use tidings_store::{ClaimedTask, Clock, ExtendTask, Store};
use tracing::warn;

use super::running::Running;

/// How long a lease is given for.
const LEASE_MS: u64 = 60_000;
/// How often it is lengthened meanwhile.
const EXTEND_MS: u64 = 20_000;

/// Lengthens leases while work goes on.
pub(super) struct Leases {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    running: Arc<Running>,
}

impl Leases {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        running: Arc<Running>,
    ) -> Leases {
        Leases { store, clock, running }
    }

    /// The end of a lease that is given now.
    pub(super) fn until(&self, now: Now) -> Elapsed {
        now.elapsed.plus_ms(LEASE_MS)
    }

    /// Does the work under its lease. `None`: the lease was lost, and the work was broken off: at
    /// once where it was voided in this process.
    pub(super) async fn held<T>(
        &self,
        claimed: &ClaimedTask,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let entered = self.running.enter(claimed.task.application, &claimed.task.key);
        let mut work = pin!(work);
        loop {
            let until = self.clock.now().elapsed.plus_ms(EXTEND_MS);
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = entered.stopped() => return None,
                () = self.clock.sleep_until(until) => if self.is_lost(claimed).await {
                    return None;
                }
            }
        }
    }

    async fn is_lost(&self, claimed: &ClaimedTask) -> bool {
        let now = self.clock.now();
        let (token, task, expires_at) = (claimed.token, claimed.task.id, self.until(now));
        let item = ExtendTask { token, task, expires_at };
        match self.store.extend_tasks(now, vec![item]).await {
            Ok(answers) => answers.first().is_some_and(Result::is_err),
            Err(error) => {
                warn!(%error, "the lease on a collection could not be lengthened");
                false
            }
        }
    }
}
