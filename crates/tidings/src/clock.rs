//! The only file that asks for the time.
//!
//! ```text
//!   the store's mark ─► resume_elapsed ─► SystemClock ─► Now { wall, elapsed }
//!         ▲                                    │
//!         └── keep_mark, every few seconds ────┘
//! ```
//!
//! Elapsed time runs on the kernel's boot-time clock, which goes on while the machine sleeps and
//! which nobody can set. The wall clock is for what people see.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rustix::time::ClockId;
use tidings_core::time::{ClockMark, Elapsed, Now, Wall, resume_elapsed};
use tidings_store::{Clock, Store};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the mark is kept. A restart of the machine loses no more elapsed time than the wall
/// clock tells wrongly about this stretch.
const MARK_EVERY: Duration = Duration::from_secs(5);
/// The longest sleep before the clock is asked again. The runtime's timer stands still while the
/// machine sleeps; this clock does not.
const SLEEP_MAX: Duration = Duration::from_secs(5);

/// The machine's clocks.
#[derive(Clone, Debug)]
pub struct SystemClock {
    start: Elapsed,
    start_boot_ms: u64,
    boot_id: String,
}

impl SystemClock {
    /// Goes on from the mark in the database; from 0 where there is none.
    pub fn resume(mark: Option<&ClockMark>) -> SystemClock {
        let (boot_ms, boot_id) = (boot_ms(), boot_id());
        let start = resume_elapsed(mark, wall(), boot_ms, &boot_id);
        SystemClock { start, start_boot_ms: boot_ms, boot_id }
    }

    /// What is kept in the database so that a later start goes on from here.
    pub fn mark(&self) -> ClockMark {
        let now = self.now();
        let boot_ms = self.start_boot_ms + now.elapsed.since_ms(self.start);
        ClockMark { elapsed: now.elapsed, wall: now.wall, boot_ms, boot_id: self.boot_id.clone() }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Now {
        let elapsed = self.start.plus_ms(boot_ms().saturating_sub(self.start_boot_ms));
        Now { wall: wall(), elapsed }
    }

    async fn sleep_until(&self, until: Elapsed) {
        loop {
            let left_ms = until.since_ms(self.now().elapsed);
            if left_ms == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(left_ms).min(SLEEP_MAX)).await;
        }
    }
}

/// Keeps the clock's mark every few seconds until it is stopped, and once more then. `kept` tells
/// how the last time went: whether the database takes writes.
pub async fn keep_marks(
    clock: Arc<SystemClock>,
    store: Arc<dyn Store>,
    stop: CancellationToken,
    kept: watch::Sender<Result<(), String>>,
) {
    loop {
        let is_last = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(MARK_EVERY) => false,
        };
        let result = store.keep_clock_mark(clock.mark()).await;
        if let Err(error) = &result {
            tracing::warn!(error = %error, "the clock's mark could not be kept: {error}");
        }
        let _before = kept.send_replace(result.map_err(|error| error.to_string()));
        if is_last {
            return;
        }
    }
}

/// The wall clock, for a command that needs nothing else.
pub fn wall() -> Wall {
    #[expect(clippy::disallowed_methods, reason = "this is the file that asks for the time")]
    let now = std::time::SystemTime::now();
    match now.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        Err(before) => Wall(-i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX)),
    }
}

fn boot_ms() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "this is the file that asks for the time")]
    let now = rustix::time::clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1_000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000
}

/// Which start of the machine this is. Where the kernel does not say, each start of the program
/// counts as one, and the wall clock's difference bridges them.
fn boot_id() -> String {
    match std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(text) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => format!("unknown-{}", crate::chance::random_text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_goes_on_from_the_mark_of_an_earlier_start() {
        let first = SystemClock::resume(None);
        let later = ClockMark { elapsed: Elapsed(5_000_000), ..first.mark() };
        let second = SystemClock::resume(Some(&later));
        let elapsed = second.now().elapsed;
        assert!((5_000_000..5_060_000).contains(&elapsed.0), "{elapsed:?}");
        assert!(second.mark().boot_ms >= later.boot_ms);
    }

    #[tokio::test]
    async fn a_moment_that_has_passed_is_not_waited_for() {
        let clock = SystemClock::resume(None);
        clock.sleep_until(Elapsed(0)).await;
        let until = clock.now().elapsed.plus_ms(20);
        clock.sleep_until(until).await;
        assert!(clock.now().elapsed >= until);
    }
}
