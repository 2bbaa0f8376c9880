//! Writing what must not be lost, while the database allows it.

use std::sync::Arc;

use tidings_core::time::{Elapsed, SECOND_MS};
use tidings_store::{Clock, LeaseLost, PerItem, StoreError};
use tracing::warn;

/// The first wait before a write is tried again.
const WAIT_MS: u64 = 50;
/// The longest.
const WAIT_MS_MAX: u64 = 5 * SECOND_MS;

/// Whether a write was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Persisted {
    /// It is on disk.
    Done,
    /// Another worker has the delivery.
    LeaseLost,
    /// The database did not take it while the lease lasted.
    GaveUp,
}

/// Makes a write of one item, again and again until `until`. A write whose answer was lost is made
/// again too: it is fenced by the lease, so that a second time does nothing.
pub(crate) async fn persist<F, R>(clock: &Arc<dyn Clock>, until: Elapsed, mut write: F) -> Persisted
where
    F: FnMut() -> R,
    R: Future<Output = Result<PerItem, StoreError>>,
{
    let mut wait_ms = WAIT_MS;
    loop {
        match write().await.map(|answers| answers.into_iter().next()) {
            Ok(Some(Ok(()))) => return Persisted::Done,
            Ok(Some(Err(LeaseLost { .. }))) => return Persisted::LeaseLost,
            // What is stored cannot be read: trying again mends nothing.
            Ok(None) | Err(StoreError::Corrupt { .. }) => return Persisted::GaveUp,
            Err(cause) => {
                let now = clock.now().elapsed;
                warn!(error = %cause, "a result could not be written: {cause}");
                if now >= until {
                    return Persisted::GaveUp;
                }
                clock.sleep_until(now.plus_ms(wait_ms).min(until)).await;
                wait_ms = (wait_ms * 2).min(WAIT_MS_MAX);
            }
        }
    }
}
