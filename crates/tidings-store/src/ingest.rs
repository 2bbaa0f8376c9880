//! The way into the store for everything that fires: the API, and the platform's mutations.

use async_trait::async_trait;
use tidings_core::time::Now;

use crate::{
    error::AppendError,
    types::{Append, AppendedEvent},
};

/// Appends and sees to it that what was born is sent. The delivery engine implements it, so that
/// newborn deliveries find its free room; [`Append::room`] is set by it.
#[async_trait]
pub trait Ingest: Send + Sync {
    /// See [`crate::Store::append`]. When it returns `Ok`, everything is durable.
    async fn append(&self, now: Now, append: Append) -> Result<Vec<AppendedEvent>, AppendError>;

    /// Hints that something may be due: a webhook was resumed, a delivery replayed. Without it
    /// the work is found a moment later.
    fn wake(&self) {}
}
