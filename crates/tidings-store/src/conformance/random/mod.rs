//! The same operations, chosen by a seed, on two stores. What they answer is compared at once, all
//! that can be read every few steps.
//!
//!   seed ─► operation ─┬─► reference ─┐
//!                      └─► subject  ──┴─► the same? ─► next
//!
//! What a store may choose is left out of the comparison: lease tokens, the numbers of endpoints
//! and notices, the places of entities (their order counts), the versions of the catalog (whether
//! one changed counts).

mod catalog;
mod ingest;
mod normal;
mod reads;
mod task;
mod work;

use std::{collections::BTreeMap, fmt::Debug};

use fastrand::Rng;
use tidings_core::{
    ids::{ApplicationId, DeliveryId, EndpointId, EventId, TokenId, WebhookId},
    limits::{HORIZON_MS, IDEMPOTENCY_REMEMBERED_MS},
    samples,
    time::{DAY_MS, Elapsed, HOUR_MS, MINUTE_MS, Now, SECOND_MS, Wall},
};

use crate::{
    store::Store,
    types::{Claimed, ClaimedTask, Room},
};

/// Calls a verb on both stores, the reference first.
macro_rules! both {
    ($run:expr, |$store:ident| $call:expr) => {{
        let [reference, subject] = $run.stores;
        let first = {
            let $store = reference;
            $call.await
        };
        let second = {
            let $store = subject;
            $call.await
        };
        [first, second]
    }};
}
use both;

/// The fewest steps in which enough happens to prove something.
pub const STEPS_MIN: usize = 2_000;

/// Applies as many operations as `steps` says, [`STEPS_MIN`] at least, to two empty stores.
///
/// # Panics When the stores differ, with the seed and the step; and when too little happened for
/// the run to prove anything.
pub async fn compare(reference: &dyn Store, subject: &dyn Store, seed: u64, steps: usize) {
    let mut run = Run::new([reference, subject], seed);
    for step in 0..steps.max(STEPS_MIN) {
        run.step = step;
        run.operate().await;
        if step % 50 == 49 {
            run.compare_reads().await;
        }
    }
    run.compare_reads().await;
    run.count_endpoint_down().await;
    run.assert_enough_happened();
}

/// What a run knows of what it has done.
struct Run<'a> {
    stores: [&'a dyn Store; 2],
    random: Rng,
    seed: u64,
    step: usize,
    now: Now,
    applications: Vec<ApplicationId>,
    webhooks: Vec<WebhookId>,
    tokens: Vec<TokenId>,
    events: Vec<EventId>,
    deliveries: Vec<DeliveryId>,
    /// Leases that were given and not recorded, in both stores; some are lost by now.
    leases: Vec<[Claimed; 2]>,
    /// Leases on tasks that were given last, in both stores; some are lost by now.
    task_leases: Vec<[ClaimedTask; 2]>,
    catalog_versions: [u64; 2],
    /// How often something really happened.
    tally: BTreeMap<&'static str, usize>,
}

/// What must have happened in a run, and how often at least.
const ENOUGH: [(&str, usize); 40] = [
    ("application added", 2),
    ("application updated", 2),
    ("application deleted", 1),
    ("token added", 3),
    ("token revoked", 1),
    ("webhook added", 5),
    ("webhook updated", 10),
    ("webhook stale", 1),
    ("webhook deleted", 1),
    ("event appended", 200),
    ("event duplicate", 5),
    ("append stale", 1),
    ("append conflict", 1),
    ("append entity conflict", 3),
    ("entity changed", 30),
    ("newborn", 20),
    ("claimed", 100),
    ("claimed frozen", 10),
    ("claimed held since", 1),
    ("extended", 5),
    ("frozen", 50),
    ("lease lost", 10),
    ("finished", 20),
    ("retried", 50),
    ("waited", 10),
    ("stopped", 1),
    ("exhausted", 2),
    ("endpoint down", 1),
    ("breaker open", 1),
    ("replayed", 5),
    ("replayed again", 1),
    ("replayed all", 1),
    ("cancelled", 5),
    ("key forgotten", 1),
    ("task changed", 30),
    ("task claimed", 20),
    ("task extended", 2),
    ("task lease lost", 5),
    ("tokens revoked", 3),
    ("append token taken", 1),
];

impl<'a> Run<'a> {
    fn new(stores: [&'a dyn Store; 2], seed: u64) -> Run<'a> {
        Run {
            stores,
            random: Rng::with_seed(seed),
            seed,
            step: 0,
            now: Now { wall: samples::WALL, elapsed: Elapsed(10 * HORIZON_MS) },
            applications: Vec::new(),
            webhooks: Vec::new(),
            tokens: Vec::new(),
            events: Vec::new(),
            deliveries: Vec::new(),
            leases: Vec::new(),
            task_leases: Vec::new(),
            catalog_versions: [0; 2],
            tally: BTreeMap::new(),
        }
    }

    async fn operate(&mut self) {
        match self.random.u32(0..100) {
            // What is rare is not left to chance alone.
            _ if self.step % 600 == 599 => self.delete_something().await,
            _ if self.step % 600 == 299 => {
                self.pass_ms(IDEMPOTENCY_REMEMBERED_MS);
                self.keep_house().await;
            }
            _ if self.applications.len() < 2 => self.add_application().await,
            _ if self.webhooks.len() < 4 => self.add_webhook().await,
            0..10 => self.pass_time(),
            10..12 => self.change_applications().await,
            12..14 => self.change_tokens().await,
            14..22 => self.change_webhooks().await,
            22..40 => self.append().await,
            40..55 => self.claim().await,
            55..58 => self.extend().await,
            58..67 => self.freeze().await,
            67..86 => self.record().await,
            86..89 => self.claim_tasks().await,
            89 => self.extend_tasks().await,
            90..98 => self.command().await,
            _ => self.keep_house().await,
        }
        self.compare_catalog_versions().await;
    }

    /// Mostly a little; sometimes so much that deadlines pass.
    fn pass_time(&mut self) {
        let ms = match self.random.u32(0..40) {
            0..10 => self.random.u64(1..SECOND_MS),
            10..20 => 5 * SECOND_MS,
            20..28 => MINUTE_MS,
            28..34 => 10 * MINUTE_MS,
            34..37 => HOUR_MS,
            37 => 6 * HOUR_MS,
            38 => 30 * HOUR_MS,
            _ => self.random.u64(DAY_MS..9 * DAY_MS),
        };
        self.pass_ms(ms);
    }

    fn pass_ms(&mut self, ms: u64) {
        self.now.elapsed = self.now.elapsed.plus_ms(ms);
        self.now.wall = Wall(self.now.wall.0 + i64::try_from(ms).unwrap());
    }

    fn count(&mut self, what: &'static str, count: usize) {
        *self.tally.entry(what).or_default() += count;
    }

    /// Both answers, if they are the same.
    fn same<T: PartialEq + Debug>(&self, what: &str, [reference, subject]: [T; 2]) -> T {
        let Run { seed, step, .. } = self;
        assert!(
            reference == subject,
            "seed {seed}, step {step}: {what} differs\n\
             reference: {reference:#?}\nsubject: {subject:#?}"
        );
        subject
    }

    /// Both answers of a verb that always works.
    fn done<T, E: Debug>(&self, what: &str, answers: [Result<T, E>; 2]) -> [T; 2] {
        let Run { seed, step, .. } = self;
        answers.map(|answer| {
            answer.unwrap_or_else(|error| panic!("seed {seed}, step {step}: {what}: {error:?}"))
        })
    }

    /// One of them.
    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.random.usize(0..from.len())].clone()) }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.u32(0..100) < percent
    }

    /// The same room in both stores.
    async fn room(&mut self) -> [Room; 2] {
        let permits = self.pick(&[0, 1, 3, 50, 50]).unwrap();
        let lease_until = self.now.elapsed.plus_ms(self.pick(&[SECOND_MS, MINUTE_MS]).unwrap());
        let spare = self.pick(&[0, 12, 256, 256]).unwrap();
        let mut rooms =
            [(); 2].map(|()| Room { permits, spare, in_flight: [].into(), lease_until });
        if self.chance(40)
            && let Some(id) = self.pick(&self.webhooks.clone())
        {
            let in_flight = self.random.u32(1..70);
            let endpoints: [EndpointId; 2] =
                both!(self, |store| store.webhook(id)).map(|it| it.unwrap().unwrap().endpoint);
            for (room, endpoint) in rooms.iter_mut().zip(endpoints) {
                room.in_flight.insert(endpoint, in_flight);
            }
        }
        rooms
    }

    async fn compare_catalog_versions(&mut self) {
        let answers = both!(self, |store| store.catalog());
        let versions = self.done("catalog", answers).map(|catalog| catalog.version());
        let before = self.catalog_versions;
        self.same("a changed catalog", [versions[0] != before[0], versions[1] != before[1]]);
        self.catalog_versions = versions;
    }

    fn assert_enough_happened(&self) {
        for (what, least) in ENOUGH {
            let count = self.tally.get(what).copied().unwrap_or(0);
            let seed = self.seed;
            assert!(
                count >= least,
                "seed {seed} proves nothing: {what} {count} times: {:?}",
                self.tally
            );
        }
    }
}
