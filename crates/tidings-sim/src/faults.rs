//! What goes wrong beside the endpoints and the source: a database that is slow, away, or does not
//! say whether it committed; a process that stands still or ends in the middle of anything.

use std::sync::{Arc, Mutex, PoisonError};

use tidings_core::time::Elapsed;
use tidings_store::{Clock, StoreError};
use tokio_util::sync::CancellationToken;

use crate::executor::{SeededChance, VirtualClock};

/// How bad the database is. Percents of its operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// It refuses.
    pub unavailable: u64,
    /// It does not say whether it committed; one in two did.
    pub unknown: u64,
    /// It takes up to `slow_ms_max`.
    pub slow: u64,
    /// How long that is.
    pub slow_ms_max: u64,
    /// How long it takes at most otherwise, on each of the two ways.
    pub way_ms_max: u64,
}

impl Trouble {
    /// None: it answers within a few milliseconds.
    pub const NONE: Trouble =
        Trouble { unavailable: 0, unknown: 0, slow: 0, slow_ms_max: 0, way_ms_max: 2 };
    /// It is away.
    pub const AWAY: Trouble = Trouble { unavailable: 100, ..Trouble::NONE };
    /// Something is always wrong, sometimes for longer than a lease lasts.
    pub const ROUGH: Trouble =
        Trouble { unavailable: 8, unknown: 8, slow: 4, slow_ms_max: 90_000, way_ms_max: 40 };
}

/// The trouble that the database has at present.
#[derive(Debug)]
pub struct Faults {
    clock: Arc<VirtualClock>,
    chance: Arc<SeededChance>,
    trouble: Mutex<Trouble>,
}

impl Faults {
    /// A database without trouble.
    #[must_use]
    pub fn new(clock: &Arc<VirtualClock>, chance: &Arc<SeededChance>) -> Arc<Faults> {
        let (clock, chance) = (Arc::clone(clock), Arc::clone(chance));
        Arc::new(Faults { clock, chance, trouble: Mutex::new(Trouble::NONE) })
    }

    /// Gives it this trouble from now on.
    pub fn set(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Does an operation of the database, or what goes wrong instead.
    pub async fn through<T, E: From<StoreError>>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let slow = self.chance.happens(trouble.slow);
        let way_ms_max = if slow { trouble.slow_ms_max } else { trouble.way_ms_max };
        self.clock.pass(self.chance.below(way_ms_max + 1)).await;
        if self.chance.happens(trouble.unavailable) {
            let cause = "the world took it away".to_owned();
            return Err(StoreError::Unavailable { operation, cause }.into());
        }
        let unknown = self.chance.happens(trouble.unknown);
        let lost = || StoreError::Unknown { operation, cause: "the answer was lost".to_owned() };
        if unknown && self.chance.happens(50) {
            return Err(lost().into());
        }
        let answer = work.await;
        self.clock.pass(self.chance.below(way_ms_max + 1)).await;
        if unknown && answer.is_ok() { Err(lost().into()) } else { answer }
    }
}

/// Whether a process goes on. All that its tasks wait for outside of it goes through here, so that
/// a process which ended does nothing more, and one that stands still notices nothing.
#[derive(Debug)]
pub struct Life {
    clock: Arc<VirtualClock>,
    ended: CancellationToken,
    still_until: Mutex<Elapsed>,
}

impl Life {
    /// A process that goes on.
    #[must_use]
    pub fn new(clock: &Arc<VirtualClock>) -> Arc<Life> {
        let (clock, ended) = (Arc::clone(clock), CancellationToken::new());
        Arc::new(Life { clock, ended, still_until: Mutex::default() })
    }

    /// Ends it, in the middle of whatever it does.
    pub fn end(&self) {
        self.ended.cancel();
    }

    /// Stops it for so long, as SIGSTOP does.
    pub fn stand_still(&self, ms: u64) {
        let until = self.clock.elapsed().plus_ms(ms);
        *self.still_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Whether it was ever stopped.
    #[must_use]
    pub fn stood_still(&self) -> bool {
        *self.still_until.lock().unwrap_or_else(PoisonError::into_inner) > Elapsed(0)
    }

    /// Does something that the process waits for. Never returns when the process ends meanwhile.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let lived = async {
            self.until_it_goes_on().await;
            let came_to = work.await;
            self.until_it_goes_on().await;
            came_to
        };
        tokio::select! {
            biased;
            () = self.ended.cancelled() => std::future::pending().await,
            came_to = lived => came_to,
        }
    }

    async fn until_it_goes_on(&self) {
        let until = *self.still_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until > self.clock.elapsed() {
            self.clock.sleep_until(until).await;
        }
    }
}
