//! One run: the plan's steps, one after another, on a world of its own; then everything is mended,
//! and what is left is checked.
//!
//!   webhooks ─► processes ─► step, look, step, look … ─► mend ─► wait ─► look at everything

use std::sync::Arc;

use tidings_core::{
    delivery::{Reason, ReasonCode},
    ids::{ApplicationId, WebhookId},
    retry::RetryPolicy,
    time::{HOUR_MS, MINUTE_MS, SECOND_MS},
    webhook::{ErrorAction, ErrorRule, PayloadMode, Status, Success, Webhook},
};
use tidings_store::{Clock, DeliveryFilter, MemoryStore, Replay, ShownState};
use tokio_util::task::TaskTracker;

use crate::{
    checks::Checks,
    client::{Doors, fire},
    executor::{VirtualClock, run},
    faults::Trouble,
    ops::{HOSTS, Op, Plan, TRIGGERS},
    process::Process,
    sabotage::Sabotage,
    source::SourceMode,
    stage::Stage,
    witness::{Tally, Violation},
};

/// How long, at most, everything takes to come to its end once nothing is wrong any more: the
/// longest delay of the schedule.
const CALM_MS: u64 = 7 * HOUR_MS;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The rules that were broken.
    pub violations: Vec<Violation>,
    /// What happened how often.
    pub tally: Tally,
}

/// Plays a plan.
#[must_use]
pub fn play(plan: &Plan, sabotage: Option<Sabotage>) -> Report {
    let clock = VirtualClock::new(plan.seed);
    let stage = Stage::new(&clock, plan.seed, Arc::new(MemoryStore::new()));
    let world = World::new(stage.clone(), plan.clone(), sabotage);
    let ((), panics) = run(&clock, world.play());
    if panics > 0 {
        stage.witness.accuse(clock.elapsed(), "nothing panics", format!("{panics} tasks did"));
    }
    Report { violations: stage.witness.violations(), tally: stage.witness.tally() }
}

struct World {
    stage: Stage,
    plan: Plan,
    sabotage: Option<Sabotage>,
    processes: Vec<Process>,
    doors: Doors,
    clients: TaskTracker,
    webhooks: Vec<WebhookId>,
    checks: Checks,
    fired_count: usize,
}

impl World {
    fn new(stage: Stage, plan: Plan, sabotage: Option<Sabotage>) -> World {
        World {
            checks: Checks::new(stage.clone()),
            doors: Doors::default(),
            clients: TaskTracker::new(),
            processes: Vec::new(),
            webhooks: Vec::new(),
            fired_count: 0,
            stage,
            plan,
            sabotage,
        }
    }

    async fn play(mut self) {
        let applications =
            [self.stage.add_application("acme").await, self.stage.add_application("zeta").await];
        for number in 0..6 {
            self.add_webhook(applications[number % 2]).await;
        }
        for _ in 0..self.plan.processes {
            self.start();
        }
        for op in self.plan.ops.clone() {
            self.step(&op, applications).await;
            self.clean_up().await;
            self.checks.look().await;
        }
        self.calm_down().await;
        self.checks.look_at_everything().await;
    }

    async fn step(&mut self, op: &Op, applications: [ApplicationId; 2]) {
        match op {
            Op::Fire { trigger, count, twice } => self.fire(TRIGGERS[*trigger], *count, *twice),
            Op::Pass { ms } => self.stage.clock.pass(*ms).await,
            Op::Endpoint { host, behaviour } => {
                self.stage.endpoints.set(&host_name(*host), behaviour.clone());
            }
            Op::Source(mode) => self.stage.source.set(mode.clone()),
            Op::Database(trouble) => self.stage.faults.set(*trouble),
            Op::Crash { process } => {
                let process = *process % self.processes.len();
                self.processes.swap_remove(process).crash();
                self.stage.witness.count("crashes");
                self.start();
            }
            Op::Drain { process, grace_ms } => self.drain(*process, *grace_ms),
            Op::StandStill { process, ms } => {
                let process = *process % self.processes.len();
                self.processes[process].stand_still(*ms);
                self.stage.witness.count("standstills");
            }
            Op::Add => self.add_webhook(applications[self.webhooks.len() % 2]).await,
            Op::JumpWall { hours } => self.stage.clock.jump_wall(*hours * 3_600_000),
            Op::Replay { .. } | Op::ReplayExhausted | Op::Cancel(_) => self.command(op).await,
            Op::Pause(nth) | Op::Resume(nth) | Op::Delete(nth) | Op::Move(nth) => {
                let id = self.webhooks[*nth % self.webhooks.len()];
                self.manage(op, id).await;
            }
        }
    }

    fn fire(&mut self, trigger: &'static str, count: usize, twice: bool) {
        for _ in 0..count {
            self.fired_count += 1;
            let key = format!("event-{}", self.fired_count);
            for _ in 0..=usize::from(twice) {
                let (stage, doors) = (self.stage.clone(), self.doors.clone());
                let ledger = self.checks.ledger();
                self.clients.spawn(fire(stage, doors, ledger, trigger, key.clone()));
            }
        }
    }

    fn start(&mut self) {
        let process = Process::start(&self.stage, self.plan.attempts_max, self.sabotage);
        self.processes.push(process);
        self.open_doors();
    }

    /// Clients find the processes that are there.
    fn open_doors(&self) {
        self.doors.set(self.processes.iter().map(|process| Arc::clone(&process.deliver)).collect());
    }

    fn drain(&mut self, process: usize, grace_ms: u64) {
        let process = self.processes.swap_remove(process % self.processes.len());
        let until = self.stage.clock.elapsed().plus_ms(grace_ms);
        self.clients.spawn(async move { process.drain(until).await });
        self.stage.witness.count("drains");
        self.start();
    }

    async fn add_webhook(&mut self, application: ApplicationId) {
        let number = self.webhooks.len();
        let host = self.stage.chance.below(HOSTS as u64) as usize;
        let mut webhook = self.stage.webhook(application, &host_name(host));
        vary(&mut webhook, number, self.stage.chance.below(1_000));
        self.webhooks.push(self.stage.add_webhook(webhook).await);
    }

    async fn manage(&self, op: &Op, id: WebhookId) {
        match op {
            Op::Pause(_) => {
                self.stage.set_status(id, Status::Paused).await;
            }
            Op::Resume(_) => {
                self.stage.set_status(id, Status::Active).await;
                self.wake();
            }
            Op::Delete(_) => {
                self.stage.delete_webhook(id).await;
            }
            _ => {
                let host = host_name(self.stage.chance.below(HOSTS as u64) as usize);
                let url = format!("https://{host}/moved");
                self.stage.change_webhook(id, |webhook, _| webhook.url.clone_from(&url)).await;
            }
        }
    }

    async fn command(&self, op: &Op) {
        let deliveries = self.stage.deliveries().await;
        let (store, now) = (&self.stage.store, self.stage.now());
        let nth = |nth: usize| {
            (!deliveries.is_empty()).then(|| deliveries[nth % deliveries.len()].delivery.id)
        };
        match op {
            Op::Replay { nth: place, fresh } => {
                let mode = if *fresh { Replay::Fresh } else { Replay::Frozen };
                let Some(id) = nth(*place) else { return };
                // Refused where the webhook was deleted, as it should be.
                if store.replay(now, id, mode).await.is_ok() {
                    self.stage.witness.count("replays");
                }
            }
            Op::Cancel(place) => {
                let Some(id) = nth(*place) else { return };
                let why = Reason::new(ReasonCode::CancelledByOwner, "a person did not want it");
                self.stage.cancel(id, why).await;
            }
            _ => {
                let states = vec![ShownState::Exhausted];
                let filter = DeliveryFilter { states, ..DeliveryFilter::default() };
                store.replay_all(now, filter, Replay::Frozen).await.expect("the store answers");
            }
        }
        self.wake();
    }

    fn wake(&self) {
        self.processes.iter().for_each(Process::wake);
    }

    /// What the program does beside its requests.
    async fn clean_up(&self) {
        let (store, now) = (&self.stage.store, self.stage.now());
        while store.cancel_orphans(now).await.expect("the store answers") > 0 {}
        while store.forget_expired(now).await.expect("the store answers") > 0 {}
    }

    /// Mends everything, and waits until nothing is left that could be done.
    async fn calm_down(&mut self) {
        self.stage.faults.set(Trouble::NONE);
        self.stage.endpoints.mend();
        self.stage.source.set(SourceMode::fine());
        for id in self.webhooks.clone() {
            if self.plan.resume_at_end {
                self.stage.set_status(id, Status::Active).await;
            }
        }
        self.wake();
        self.clients.close();
        self.clients.wait().await;
        let until = self.stage.clock.elapsed().plus_ms(CALM_MS);
        let mut wait_ms = 10 * SECOND_MS;
        while self.stage.clock.now().elapsed < until && self.checks.pending().await > 0 {
            self.stage.clock.pass(wait_ms).await;
            wait_ms = (wait_ms * 2).min(10 * MINUTE_MS);
        }
    }
}

fn host_name(number: usize) -> String {
    format!("receiver-{}.example.com", number % HOSTS)
}

/// Webhooks of every kind.
fn vary(webhook: &mut Webhook, number: usize, chance: u64) {
    let trigger = |text: &str| text.parse().expect("the world writes triggers' names");
    webhook.triggers = match number % 3 {
        0 => vec![trigger("ThingAdded")],
        1 => vec![trigger("ThingAdded"), trigger("AccountAdded")],
        _ => vec![trigger("AccountUpdated"), trigger("AccountAdded")],
    };
    let (delays_ms, horizon_ms) = match chance % 5 {
        0 | 1 => (vec![SECOND_MS, 5 * SECOND_MS, 20 * SECOND_MS], 2 * MINUTE_MS),
        2 | 3 => (vec![5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS], HOUR_MS),
        _ => (RetryPolicy::standard().delays_ms, RetryPolicy::standard().horizon_ms),
    };
    webhook.retry = RetryPolicy { delays_ms, horizon_ms };
    if chance.is_multiple_of(7) {
        webhook.payload = PayloadMode::Fresh;
    }
    if chance.is_multiple_of(11) {
        webhook.keys.clear();
    }
    if chance.is_multiple_of(3) {
        webhook.success = Success::Any2xx;
        webhook.timeout_ms = 5_000;
    }
    let rule = |code: &str, action| ErrorRule { code: code.to_owned(), action };
    webhook.error_rules = vec![rule("DROPPED", ErrorAction::Drop), rule("HELD", ErrorAction::Hold)];
}
