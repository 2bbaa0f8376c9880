//! Removing the bytes of documents that nobody has any more.

use std::{sync::Arc, time::Duration};

use tidings_platform::{Freed, Library};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often a 256th of the shelf is gone through: what a kill left there is found within hours.
const EVERY: Duration = Duration::from_secs(30);

/// Removes what was deleted at once, and goes through the shelf meanwhile, a part at a time.
pub async fn sweep(library: Library, freed: Arc<Freed>, stop: CancellationToken) {
    let mut all = (0..=u8::MAX).cycle();
    let mut turn = interval(EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let first = tokio::select! {
            () = stop.cancelled() => return,
            first = freed.next() => Some(first),
            _ = turn.tick() => all.next(),
        };
        let Some(first) = first else { return };
        match library.remove_unused(first).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "removed the bytes of {count} documents"),
            Err(error) => tracing::warn!(error = %error, "unused bytes stay: {error}"),
        }
    }
}
