//! The runtime's monotonic clock, for the bounds of a call and the age of a connection.
//!
//! Nothing that is recorded or decided about a delivery comes from here: that takes the time as a
//! value.

use tokio::time::Instant;

/// This moment, which a test's paused clock moves.
#[expect(clippy::disallowed_methods, reason = "timeouts are relative to the runtime's own clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
