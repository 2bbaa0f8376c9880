//! Who gets which delivery: newborn ones straight from their commit, the rest from `claim_due`.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use futures_util::FutureExt;
use tidings_core::{
    delivery::{LeaseToken, Step},
    health::spare,
    ids::{DeliveryId, EndpointId},
    limits::{ATTEMPTS_IN_FLIGHT_MAX, LEASE_MS},
    secret::Vault,
    time::{Elapsed, Now},
};
use tidings_query::source::Source;
use tidings_store::{
    Append, AppendError, AppendedEvent, Chance, Claim, Claimed, Clock, Ingest, Record, Room, Store,
    StoreError,
};
use tidings_work::{Found, Work, Worker};
use tracing::{info, warn};

use crate::{
    attempt::{Desk, attempt},
    fairness::{InFlight, OnItsWay},
    leases::Leases,
    mending::{LOOK_EVERY_MS, Mending},
    metrics::{Counters, DeliverMetrics},
    prepared::PreparedWebhooks,
    sender::Sender,
    shared_runs::SharedRuns,
};

/// What the engine works with.
pub struct Parts {
    /// Where deliveries are kept.
    pub store: Arc<dyn Store>,
    /// Where queries run.
    pub sources: Vec<Arc<dyn Source>>,
    /// What sends.
    pub sender: Arc<dyn Sender>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub chance: Arc<dyn Chance>,
    /// The installation's key.
    pub vault: Vault,
    /// What the operator sets.
    pub options: Options,
}

/// What the operator sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The `User-Agent` of every request: `tidings@<environment>/<version>`.
    pub user_agent: String,
    /// Attempts in flight at a time.
    pub attempts_max: usize,
}

impl Options {
    /// The usual options under this `User-Agent`.
    #[must_use]
    pub fn standard(user_agent: String) -> Options {
        Options { user_agent, attempts_max: ATTEMPTS_IN_FLIGHT_MAX }
    }
}

/// The delivery engine.
pub struct Deliver {
    attempts: Arc<Attempts>,
    worker: Arc<Worker<Attempts>>,
}

/// The work of the engine: attempts at deliveries.
struct Attempts {
    desk: Desk,
    in_flight: InFlight,
    /// What appends that are under way may lease.
    promised: InFlight,
    attempts_max: usize,
}

/// A claimed delivery, counted for its endpoint.
struct Begun {
    claimed: Claimed,
    on_its_way: OnItsWay,
}

impl Deliver {
    /// Starts the engine on the present runtime. It works until [`Deliver::drain`].
    #[must_use]
    pub fn start(parts: Parts) -> Arc<Deliver> {
        let Parts { store, sources, sender, clock, chance, vault, options } = parts;
        let desk = Desk {
            store,
            sources,
            sender,
            clock: Arc::clone(&clock),
            chance,
            prepared: PreparedWebhooks::new(vault),
            runs: SharedRuns::default(),
            leases: Leases::default(),
            counters: Counters::default(),
            user_agent: options.user_agent,
        };
        let attempts = Arc::new(Attempts {
            desk,
            in_flight: InFlight::default(),
            promised: InFlight::default(),
            attempts_max: options.attempts_max,
        });
        let worker = Worker::new(Arc::clone(&attempts), clock, options.attempts_max);
        tokio::spawn(Arc::clone(&worker).run());
        tokio::spawn(extend_leases(Arc::downgrade(&attempts)));
        tokio::spawn(mend_webhooks(Arc::downgrade(&attempts), Arc::downgrade(&worker)));
        Arc::new(Deliver { attempts, worker })
    }

    /// What was done since the start.
    #[must_use]
    pub fn metrics(&self) -> DeliverMetrics {
        self.attempts.desk.counters.read(self.worker.running())
    }

    /// Stops taking deliveries, lets attempts finish until `until`, and hands the others back.
    pub async fn drain(&self, until: Elapsed) {
        let dropped = self.worker.drain(until).await;
        let left: Vec<(DeliveryId, LeaseToken)> = self.attempts.desk.leases.take_all();
        if left.is_empty() {
            return;
        }
        let records = left
            .into_iter()
            .map(|(delivery, token)| Record {
                token,
                delivery,
                attempt: None,
                step: Step::Release,
                source: None,
            })
            .collect();
        let desk = &self.attempts.desk;
        match desk.store.record(desk.clock.now(), records).await {
            Ok(_) => info!(
                count = dropped,
                "{dropped} attempts were still under way and were handed back"
            ),
            Err(cause) => {
                warn!(error = %cause, "leases were not handed back and run out: {cause}")
            }
        }
    }
}

#[async_trait]
impl Ingest for Deliver {
    async fn append(&self, now: Now, append: Append) -> Result<Vec<AppendedEvent>, AppendError> {
        let (attempts, worker) = (Arc::clone(&self.attempts), Arc::clone(&self.worker));
        // A task of its own: who asked may hang up after the commit, and what was born and leased
        // by it must still be begun.
        let appended = tokio::spawn(append_and_begin(attempts, worker, now, append));
        appended.await.unwrap_or_else(|ended| {
            let cause = ended.to_string();
            Err(AppendError::Store(StoreError::Unknown { operation: "append", cause }))
        })
    }

    fn wake(&self) {
        self.worker.wake();
    }
}

async fn append_and_begin(
    attempts: Arc<Attempts>,
    worker: Arc<Worker<Attempts>>,
    now: Now,
    append: Append,
) -> Result<Vec<AppendedEvent>, AppendError> {
    let wanted = append.events.iter().map(|event| event.matches.len()).sum();
    let mut permits = worker.reserve(wanted);
    // A test is sent at once, also where others wait or its webhook is paused.
    let is_test = append.events.iter().any(|event| event.event.test);
    // Appends that are under way at the same moment must not each take all the room of an endpoint.
    let matches = append.events.iter().flat_map(|event| &event.matches);
    let endpoints = matches.map(|found| found.webhook.endpoint).take(permits.len());
    let (mut in_flight, promised) = attempts.promised.begin_all(endpoints);
    for (endpoint, count) in attempts.in_flight.snapshot() {
        *in_flight.entry(endpoint).or_insert(0) += count;
    }
    let room = (is_test || !permits.is_empty()).then(|| attempts.room(permits.len(), in_flight));
    let appended = attempts.desk.store.append(now, Append { room, ..append }).await?;
    for claimed in appended.newborn {
        let permit = permits.pop().unwrap_or_else(|| worker.permit_beyond());
        worker.perform(attempts.begin(claimed), permit);
    }
    drop(promised);
    if appended.left {
        worker.wake();
    }
    Ok(appended.events)
}

impl Attempts {
    fn room(&self, permits: usize, in_flight: HashMap<EndpointId, u32>) -> Room {
        let lease_until = self.desk.clock.now().elapsed.plus_ms(LEASE_MS);
        let on_its_way = in_flight.values().map(|count| *count as usize).sum();
        let spare = spare(self.attempts_max, on_its_way);
        Room { permits, spare, in_flight, lease_until }
    }

    /// Notes the lease, so that it is extended, and that the endpoint has one more on its way.
    fn begin(&self, claimed: Claimed) -> Begun {
        self.desk.leases.begin(&claimed);
        let on_its_way = self.in_flight.begin(claimed.webhook.endpoint);
        Begun { claimed, on_its_way }
    }
}

#[async_trait]
impl Work for Attempts {
    type Item = Begun;

    async fn claim(&self, permits: usize) -> Result<Found<Begun>, StoreError> {
        let claim = Claim { room: self.room(permits, self.in_flight.snapshot()) };
        let batch = self.desk.store.claim_due(self.desk.clock.now(), claim).await?;
        let items = batch.claimed.into_iter().map(|claimed| self.begin(claimed)).collect();
        Ok(Found { items, next_at: batch.next_at })
    }

    async fn perform(&self, begun: Begun) {
        let Begun { claimed, on_its_way } = begun;
        let (id, token) = (claimed.delivery.id, claimed.token);
        let turn = on_its_way.turn().await;
        let done = AssertUnwindSafe(attempt(&self.desk, claimed)).catch_unwind().await;
        drop(turn);
        // Also after a panic: a lease that is extended for ever would never run out.
        self.desk.leases.end(id, token);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    }

    fn name(begun: &Begun) -> String {
        format!("delivery {}", begun.claimed.delivery.id)
    }
}

/// Lets held webhooks go on once their queries fit their source's schema.
async fn mend_webhooks(
    attempts: std::sync::Weak<Attempts>,
    worker: std::sync::Weak<Worker<Attempts>>,
) {
    let mut mending = Mending::default();
    loop {
        let (Some(attempts), Some(worker)) = (attempts.upgrade(), worker.upgrade()) else { return };
        if mending.look(&attempts.desk).await {
            worker.wake();
        }
        let clock = Arc::clone(&attempts.desk.clock);
        drop((attempts, worker));
        clock.sleep_until(clock.now().elapsed.plus_ms(LOOK_EVERY_MS)).await;
    }
}

/// Extends the leases of attempts that take long, three times in the length of a lease.
async fn extend_leases(attempts: std::sync::Weak<Attempts>) {
    loop {
        let Some(clock) = attempts.upgrade().map(|attempts| Arc::clone(&attempts.desk.clock))
        else {
            return;
        };
        clock.sleep_until(clock.now().elapsed.plus_ms(LEASE_MS / 3)).await;
        let Some(attempts) = attempts.upgrade() else { return };
        let now = clock.now();
        let batch = attempts.desk.leases.to_extend(now.elapsed);
        if batch.is_empty() {
            continue;
        }
        match attempts.desk.store.extend_leases(now, batch.clone()).await {
            Ok(answers) => attempts.desk.leases.extended(&batch, answers),
            Err(cause) => warn!(error = %cause, "leases could not be extended: {cause}"),
        }
    }
}
