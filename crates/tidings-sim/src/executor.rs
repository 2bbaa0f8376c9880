//! Time that is moved, and the runtime that moves it.
//!
//!   tasks run until none can go on ─► the clock jumps to the earliest sleeper ─► it is woken ─┐
//!     ▲                                                                                       │
//!     └───────────────────────────────────────────────────────────────────────────────────────┘
//!
//! One thread, no timer of the machine: 72 hours take as long as what happens in them. Sleepers
//! that wake at the same moment are woken in an order that the seed decides.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use tidings_core::{
    samples,
    time::{Elapsed, Now, Wall},
};
use tidings_store::{Chance, Clock};

/// A clock that stands still while anything can be done, then goes on to the next moment at which
/// something can.
pub struct VirtualClock(Mutex<Face>);

struct Face {
    elapsed: Elapsed,
    /// The wall clock, when `elapsed` was 0.
    wall_zero_ms: i64,
    order: fastrand::Rng,
    sleeper_last: u64,
    sleepers: BTreeMap<Place, Waker>,
}

/// When a sleeper wakes, then chance, then which sleeper it is.
type Place = (Elapsed, u64, u64);

impl VirtualClock {
    /// A clock at the beginning of its time.
    #[must_use]
    pub fn new(seed: u64) -> Arc<VirtualClock> {
        let face = Face {
            elapsed: Elapsed(0),
            wall_zero_ms: samples::WALL.0,
            order: fastrand::Rng::with_seed(seed),
            sleeper_last: 0,
            sleepers: BTreeMap::new(),
        };
        Arc::new(VirtualClock(Mutex::new(face)))
    }

    /// Sets the wall clock forward or back; what has elapsed stays as it is.
    pub fn jump_wall(&self, ms: i64) {
        self.face().wall_zero_ms += ms;
    }

    /// The moment.
    #[must_use]
    pub fn elapsed(&self) -> Elapsed {
        self.face().elapsed
    }

    /// Returns after so many milliseconds.
    pub async fn pass(&self, ms: u64) {
        let until = self.elapsed().plus_ms(ms);
        self.sleep_until(until).await;
    }

    /// Goes on to the next sleepers and wakes them. Called when nothing else can be done.
    fn advance(&self) {
        let mut woken = Vec::new();
        let mut face = self.face();
        let next_at = face.sleepers.first_key_value().map(|(place, _)| place.0);
        face.elapsed = next_at.expect("somebody always waits for a moment while the world runs");
        while let Some(first) = face.sleepers.first_entry()
            && Some(first.key().0) == next_at
        {
            woken.push(first.remove());
        }
        drop(face);
        woken.into_iter().for_each(Waker::wake);
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualClock({} ms)", self.elapsed().0)
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let face = self.face();
        let ms = i64::try_from(face.elapsed.0).unwrap_or(i64::MAX);
        Now { wall: Wall(face.wall_zero_ms.saturating_add(ms)), elapsed: face.elapsed }
    }

    async fn sleep_until(&self, until: Elapsed) {
        Sleep { clock: self, until, place: None }.await;
    }
}

struct Sleep<'a> {
    clock: &'a VirtualClock,
    until: Elapsed,
    place: Option<Place>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut face = self.clock.face();
        if face.elapsed >= self.until {
            return Poll::Ready(());
        }
        let place = self.place.unwrap_or_else(|| {
            face.sleeper_last += 1;
            (self.until, face.order.u64(..), face.sleeper_last)
        });
        face.sleepers.insert(place, context.waker().clone());
        drop(face);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.clock.face().sleepers.remove(&place);
        }
    }
}

/// Chance that a seed decides.
#[derive(Debug)]
pub struct SeededChance(Mutex<fastrand::Rng>);

impl SeededChance {
    /// The chance of this seed.
    #[must_use]
    pub fn new(seed: u64) -> SeededChance {
        SeededChance(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).u64(..bound.max(1))
    }

    /// Whether something happens that happens `percent` times in a hundred.
    pub fn happens(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
}

/// Runs a world to its end, then drops whatever still runs in it. Returns what it came to and how
/// many tasks panicked in it.
pub fn run<T, W>(clock: &Arc<VirtualClock>, world: W) -> (T, u64)
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    count_panics();
    let before = PANICS.get();
    let moved = Arc::clone(clock);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park(move || moved.advance())
        .build()
        .expect("a runtime without drivers needs nothing of the machine");
    let ended = runtime.block_on(async { tokio::spawn(world).await });
    drop(runtime);
    match ended {
        Ok(came_to) => (came_to, PANICS.get() - before),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// A task that panics is told by the loop that ran it, and forgotten: the machine must not forget
/// it.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            usual(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_passes_at_once_and_sleepers_wake_in_the_order_of_their_moments() {
        let clock = VirtualClock::new(1);
        let world = Arc::clone(&clock);
        let (order, panics) = run(&clock, async move {
            let order = Arc::new(Mutex::new(Vec::new()));
            for days in [365u64, 2, 30] {
                let (clock, order) = (Arc::clone(&world), Arc::clone(&order));
                tokio::spawn(async move {
                    clock.pass(days * 86_400_000).await;
                    order.lock().unwrap().push((days, clock.elapsed().0));
                });
            }
            world.pass(366 * 86_400_000).await;
            order.lock().unwrap().clone()
        });
        assert_eq!(order, [2, 30, 365].map(|days| (days, days * 86_400_000)));
        assert_eq!(panics, 0);
    }

    #[test]
    fn the_wall_clock_jumps_alone() {
        let clock = VirtualClock::new(1);
        clock.jump_wall(-3_600_000);
        assert_eq!(
            (clock.now().elapsed, clock.now().wall),
            (Elapsed(0), Wall(samples::WALL.0 - 3_600_000))
        );
    }

    #[test]
    fn a_task_that_panics_is_counted() {
        let clock = VirtualClock::new(1);
        let world = Arc::clone(&clock);
        let ((), panics) = run(&clock, async move {
            tokio::spawn(async { panic!("on purpose") });
            world.pass(1).await;
        });
        assert_eq!(panics, 1);
    }
}
