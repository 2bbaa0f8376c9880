//! The loop.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::FutureExt;
use tidings_core::time::{Elapsed, SECOND_MS};
use tidings_store::{Clock, StoreError};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, warn};

use crate::permits::{Permit, Permits};

/// How long the loop sleeps at most before it looks by itself.
const BACKSTOP_MS: u64 = SECOND_MS;

/// When every permit was taken: how long the loop waits for more than one of them to come back.
const GATHER_MS: u64 = 3;
/// With so many free permits it waits no longer.
const GATHER_PERMITS: usize = 64;
/// A claim that finds nothing doubles the wait for room before the next one, so often at most.
const DOUBLINGS_MAX: u32 = 8;

/// Work that is claimed from a store under leases.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// One piece of it.
    type Item: Send + 'static;

    /// Claims `permits` pieces at most.
    async fn claim(&self, permits: usize) -> Result<Found<Self::Item>, StoreError>;

    /// Does one piece, to its record. A panic is caught and told; the piece's lease then runs out.
    async fn perform(&self, item: Self::Item);

    /// What a piece is called, for the log.
    fn name(item: &Self::Item) -> String;
}

/// What a claim came to.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The pieces.
    pub items: Vec<T>,
    /// When the next one is due.
    pub next_at: Option<Elapsed>,
}

/// One kind of work in this process.
pub struct Worker<W: Work> {
    work: Arc<W>,
    clock: Arc<dyn Clock>,
    permits: Permits,
    wake: Notify,
    ended: Notify,
    backlog: AtomicBool,
    tasks: TaskTracker,
    loops: TaskTracker,
    stop_claiming: CancellationToken,
    stop_performing: CancellationToken,
}

impl<W: Work> Worker<W> {
    /// A worker that does so many pieces at a time. [`Worker::run`] sets it to work.
    #[must_use]
    pub fn new(work: Arc<W>, clock: Arc<dyn Clock>, permits: usize) -> Arc<Worker<W>> {
        Arc::new(Worker {
            work,
            clock,
            permits: Permits::new(permits),
            wake: Notify::new(),
            ended: Notify::new(),
            backlog: AtomicBool::new(true),
            tasks: TaskTracker::new(),
            loops: TaskTracker::new(),
            stop_claiming: CancellationToken::new(),
            stop_performing: CancellationToken::new(),
        })
    }

    /// Hints that there is something to claim.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Permits for work that was just born, `count` at most: none while older work waits for
    /// permits, or while draining.
    #[must_use]
    pub fn reserve(&self, count: usize) -> Vec<Permit> {
        if self.backlog.load(Ordering::Relaxed) || self.stop_claiming.is_cancelled() {
            return Vec::new();
        }
        self.permits.take(count)
    }

    /// A permit beyond the number, for the few pieces that must not wait for one.
    #[must_use]
    pub fn permit_beyond(&self) -> Permit {
        self.permits.beyond()
    }

    /// Does a piece that was claimed elsewhere under a reserved permit.
    pub fn perform(self: &Arc<Worker<W>>, item: W::Item, permit: Permit) {
        let worker = Arc::clone(self);
        self.tasks.spawn(async move {
            let name = W::name(&item);
            let performed = AssertUnwindSafe(worker.work.perform(item)).catch_unwind();
            tokio::select! {
                biased;
                () = worker.stop_performing.cancelled() => {}
                ended = performed => if ended.is_err() {
                    error!(work.item = %name, "{name} panicked: tried again after its lease");
                }
            }
            drop(permit);
            worker.ended.notify_one();
        });
    }

    /// How many pieces are being done.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Claims and performs until [`Worker::drain`] is called.
    pub async fn run(self: Arc<Worker<W>>) {
        let _running = self.loops.token();
        let mut in_vain = 0;
        while !self.stop_claiming.is_cancelled() {
            let free = self.permits.take(usize::MAX);
            if free.is_empty() {
                self.backlog.store(true, Ordering::Relaxed);
                self.until_freed().await;
                continue;
            }
            let wait_until = match self.work.claim(free.len()).await {
                Ok(found) => {
                    in_vain = if found.items.is_empty() { in_vain + 1 } else { 0 };
                    self.start(found, free)
                }
                Err(cause) => {
                    drop(free);
                    warn!(error = %cause, "no work could be claimed: {cause}");
                    Some(self.clock.now().elapsed.plus_ms(BACKSTOP_MS))
                }
            };
            if let Some(until) = wait_until
                && self.until_due(until, in_vain).await
            {
                in_vain = 0;
            }
        }
    }

    /// Starts what was found; says until when to wait, `None` when there may be more at once.
    fn start(
        self: &Arc<Worker<W>>,
        found: Found<W::Item>,
        mut free: Vec<Permit>,
    ) -> Option<Elapsed> {
        let (is_full, is_vain) = (found.items.len() == free.len(), found.items.is_empty());
        self.backlog.store(is_full, Ordering::Relaxed);
        for item in found.items {
            let permit = free.pop().expect("no more is claimed than there are permits");
            self.perform(item, permit);
        }
        if is_full {
            return None;
        }
        let now = self.clock.now().elapsed;
        let backstop = now.plus_ms(BACKSTOP_MS);
        // `next_at` may be early: to look again at once for nothing would never end.
        let soonest = now.plus_ms(if is_vain { GATHER_MS } else { 0 });
        Some(found.next_at.map_or(backstop, |next_at| next_at.clamp(soonest, backstop)))
    }

    /// Waits for room: for the first permit, then a moment for more, since a claim costs a commit
    /// however little it claims.
    async fn until_freed(&self) {
        let enough = async {
            self.permits.freed().await;
            let moment = self.clock.sleep_until(self.clock.now().elapsed.plus_ms(GATHER_MS));
            let several = async {
                while self.permits.free() < GATHER_PERMITS {
                    self.permits.freed().await;
                }
            };
            tokio::select! { biased; () = several => {}, () = moment => {} }
        };
        tokio::select! {
            biased;
            () = self.stop_claiming.cancelled() => {}
            () = enough => {}
        }
    }

    /// Waits for the moment, or for a piece to end: what is due may have waited for the room that
    /// it took, of its endpoint. Says whether a wake-up came.
    async fn until_due(&self, until: Elapsed, in_vain: u32) -> bool {
        let room = async {
            self.ended.notified().await;
            let gather_ms = GATHER_MS << in_vain.min(DOUBLINGS_MAX);
            self.clock.sleep_until(self.clock.now().elapsed.plus_ms(gather_ms)).await;
        };
        tokio::select! {
            biased;
            () = self.stop_claiming.cancelled() => false,
            () = self.wake.notified() => true,
            () = self.clock.sleep_until(until) => false,
            () = room => false,
        }
    }

    /// Stops claiming, lets what runs finish until `until`, then drops it. Returns how many pieces
    /// were dropped.
    pub async fn drain(&self, until: Elapsed) -> usize {
        self.stop_claiming.cancel();
        self.tasks.close();
        self.loops.close();
        let ended = async {
            // A claim that is under way may still bring work.
            self.loops.wait().await;
            self.tasks.wait().await;
        };
        tokio::select! {
            biased;
            () = ended => {}
            () = self.clock.sleep_until(until) => {}
        }
        let dropped = self.tasks.len();
        self.stop_performing.cancel();
        self.tasks.wait().await;
        dropped
    }
}
