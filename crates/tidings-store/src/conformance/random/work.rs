//! Workers and people: claims, what comes back of them, commands.

use bytes::Bytes;
use tidings_core::{
    delivery::{Reason, ReasonCode, Step},
    ids::EntityId,
    outcome::Outcome,
    time::{ClockMark, HOUR_MS, MINUTE_MS, SECOND_MS},
};

use super::{
    super::world::{self, attempt, failure},
    Run, both,
    ingest::ENTITIES,
    normal,
};
use crate::{
    error::WriteError,
    types::{
        Claim, Claimed, Extend, Freeze, MadeAttempt, PerItem, Record, Replay, ShownState,
        SourceSeen,
    },
};

/// What a worker found, for both of its leases.
#[derive(Clone)]
struct Found {
    outcome: Option<Outcome>,
    step: Step,
    source: Option<SourceSeen>,
}

impl Run<'_> {
    pub(super) async fn claim(&mut self) {
        let [first, second] = self.room().await;
        let answers = [
            self.stores[0].claim_due(self.now, Claim { room: first }).await,
            self.stores[1].claim_due(self.now, Claim { room: second }).await,
        ];
        let batches = self.done("claim_due", answers);
        let comparable = batches
            .each_ref()
            .map(|batch| batch.claimed.iter().map(normal::claimed).collect::<Vec<_>>());
        self.same("claim_due", comparable);
        let [first, second] = batches.map(|batch| batch.claimed);
        self.count("claimed", first.len());
        self.count("claimed frozen", first.iter().filter(|it| it.payload.is_some()).count());
        self.count("claimed held since", first.iter().filter(|it| it.held_since.is_some()).count());
        self.leases.extend(first.into_iter().zip(second).map(|(first, second)| [first, second]));
    }

    /// Some of the leases that were given last. Older ones are let go: their workers are gone.
    fn some_leases(&mut self) -> Vec<[Claimed; 2]> {
        let forgotten = self.leases.len().saturating_sub(30);
        self.leases.drain(..forgotten);
        self.random.shuffle(&mut self.leases);
        let count = self.random.usize(1..10).min(self.leases.len());
        self.leases[..count].to_vec()
    }

    fn compare_items(&mut self, what: &str, answers: [PerItem; 2]) -> PerItem {
        let answer = self.same(what, answers);
        self.count("lease lost", answer.iter().filter(|item| item.is_err()).count());
        answer
    }

    pub(super) async fn extend(&mut self) {
        let some = self.some_leases();
        let expires_at = self.now.elapsed.plus_ms(self.pick(&[SECOND_MS, HOUR_MS]).unwrap());
        let batch = |which: usize| {
            some.iter()
                .map(|pair| &pair[which])
                .map(|it| Extend { token: it.token, delivery: it.delivery.id, expires_at })
                .collect::<Vec<_>>()
        };
        let answers = [
            self.stores[0].extend_leases(self.now, batch(0)).await,
            self.stores[1].extend_leases(self.now, batch(1)).await,
        ];
        let answers = self.done("extend_leases", answers);
        let answer = self.compare_items("extend_leases", answers);
        self.count("extended", answer.iter().filter(|item| item.is_ok()).count());
    }

    pub(super) async fn freeze(&mut self) {
        let some = self.some_leases();
        let is_body = self.chance(90);
        let now = self.now.elapsed;
        let subjects: Option<Vec<EntityId>> = match self.pick(&[0, 1, 2]) {
            Some(0) => None,
            Some(count) => Some(ENTITIES[..count].iter().map(|id| id.parse().unwrap()).collect()),
            None => Some(Vec::new()),
        };
        let batch = |which: usize| {
            some.iter()
                .map(|pair| &pair[which])
                .map(|it| Freeze {
                    subjects: subjects.clone(),
                    token: it.token,
                    delivery: it.delivery.id,
                    payload: if is_body { body(it) } else { Bytes::from_static(b"\xFF no body") },
                    deadline: it.held_since.unwrap_or(now).plus_ms(it.webhook.retry.horizon_ms),
                })
                .collect::<Vec<_>>()
        };
        let answers = [
            self.stores[0].freeze_payloads(self.now, batch(0)).await,
            self.stores[1].freeze_payloads(self.now, batch(1)).await,
        ];
        let answers = self.done("freeze_payloads", answers);
        let answer = self.compare_items("freeze_payloads", answers);
        self.count("frozen", answer.iter().filter(|item| item.is_ok()).count());
    }

    pub(super) async fn record(&mut self) {
        let some = self.some_leases();
        let found: Vec<Found> = some.iter().map(|pair| self.found(&pair[0])).collect();
        let batch = |which: usize| -> Vec<Record> {
            let items = some.iter().map(|pair| &pair[which]).zip(&found);
            items.map(|(claimed, found)| self.record_of(claimed, found)).collect()
        };
        let answers = [
            self.stores[0].record(self.now, batch(0)).await,
            self.stores[1].record(self.now, batch(1)).await,
        ];
        let answers = self.done("record", answers);
        let answer = self.compare_items("record", answers);
        for (found, answer) in found.iter().zip(&answer) {
            let what = match &found.step {
                Step::Finish => "finished",
                Step::RetryAt { .. } => "retried",
                Step::WaitForQuery { .. } => "waited",
                Step::DisableWebhook { .. } | Step::HoldWebhook { .. } => "stopped",
                Step::Exhaust { .. } => "exhausted",
                Step::Suppress { .. } | Step::Release => "ended otherwise",
            };
            self.count(what, usize::from(answer.is_ok()));
        }
        // Some workers try again with a lease that has ended.
        let recorded = if self.chance(90) { some.len() } else { 0 };
        self.leases.drain(..recorded);
    }

    /// What a worker finds. Every second webhook's receiver is down most of the time.
    fn found(&mut self, claimed: &Claimed) -> Found {
        let in_ms = self.random.u64(0..20 * MINUTE_MS);
        let due_at = self.now.elapsed.plus_ms(in_ms);
        let why = Reason::new(ReasonCode::AttemptFailed, format!("reason {}", in_ms % 3));
        let fails = claimed.webhook.id.0.is_multiple_of(2) && self.chance(90);
        let started_at = claimed.delivery.next_at().unwrap_or(self.now.elapsed);
        let started_at = self.pick(&[self.now.elapsed, started_at.min(self.now.elapsed)]).unwrap();
        let seen = |answered| {
            let wait_ms = in_ms.is_multiple_of(2).then_some(in_ms);
            Some(SourceSeen { started_at, answered, wait_ms })
        };
        let (outcome, step, source) = match self.random.u32(0..100) {
            _ if fails => (Some(failure(500)), Step::RetryAt { due_at, why }, None),
            0..35 => (Some(Outcome::Accepted), Step::Finish, seen(true)),
            35..60 => (Some(failure(503)), Step::RetryAt { due_at, why }, None),
            60..70 => (None, Step::WaitForQuery { due_at, why }, seen(false)),
            70..76 => (None, Step::WaitForQuery { due_at, why }, seen(true)),
            76..83 => (Some(failure(404)), Step::Exhaust { why }, None),
            83..88 => (None, Step::Suppress { why }, seen(true)),
            88..90 => (Some(Outcome::Gone), Step::DisableWebhook { why }, None),
            90..92 => (None, Step::HoldWebhook { why }, None),
            _ => (None, Step::Release, None),
        };
        Found { outcome, step, source }
    }

    fn record_of(&self, claimed: &Claimed, found: &Found) -> Record {
        let number = claimed.delivery.attempts_count + 1;
        let made = |outcome| MadeAttempt {
            attempt: attempt(number, self.now.wall, outcome),
            started_at: self.now.elapsed,
        };
        Record {
            token: claimed.token,
            delivery: claimed.delivery.id,
            attempt: found.outcome.clone().map(made),
            step: found.step.clone(),
            source: found.source.clone(),
        }
    }

    pub(super) async fn command(&mut self) {
        let mode = self.pick(&[Replay::Frozen, Replay::Fresh]).unwrap();
        let Some(id) = self.pick(&self.deliveries.clone()) else { return };
        match self.random.u32(0..20) {
            0..6 => {
                let states = vec![ShownState::Exhausted, ShownState::Suppressed];
                let mut filter = self.delivery_filter();
                filter.states = states;
                let answers = both!(self, |store| store.replay_all(self.now, filter.clone(), mode));
                let made = self.same_write("replay_all", answers).unwrap();
                self.count("replayed all", usize::from(made > 0));
            }
            6..14 => {
                let answers = both!(self, |store| store.replay(self.now, id, mode));
                let answers = answers.map(|answer| answer.map(normal::view));
                if let Ok(view) = self.same_write("replay", answers) {
                    let is_new = !self.deliveries.contains(&view.delivery.id);
                    self.count(if is_new { "replayed" } else { "replayed again" }, 1);
                    if is_new {
                        self.deliveries.push(view.delivery.id);
                    }
                }
            }
            _ => {
                let why = Reason::new(ReasonCode::CancelledByOwner, "not wanted");
                let answers = both!(self, |store| store.cancel_delivery(self.now, id, why.clone()));
                let answers = answers.map(|answer| answer.map(normal::view));
                let view = self.same_write("cancel_delivery", answers).unwrap();
                let cancelled = view.shown == ShownState::Cancelled;
                self.count("cancelled", usize::from(cancelled));
            }
        }
    }

    /// What is asked for by nobody.
    pub(super) async fn keep_house(&mut self) {
        let answers = both!(self, |store| store.forget_expired(self.now));
        let answers = self.done("forget_expired", answers);
        let count = self.same("forget_expired", answers);
        self.count("key forgotten", usize::try_from(count).unwrap());
        let answers = both!(self, |store| store.cancel_orphans(self.now));
        let answers = self.done("cancel_orphans", answers);
        self.same("cancel_orphans", answers);
        let (elapsed, wall) = (self.now.elapsed, self.now.wall);
        let mark = ClockMark { elapsed, wall, boot_ms: 1, boot_id: "boot".to_owned() };
        let answers = both!(self, |store| store.keep_clock_mark(mark.clone()));
        self.done("keep_clock_mark", answers);
        let key_id = format!("key of step {}", self.step);
        let answers = both!(self, |store| store.keep_key_id(&key_id));
        let answers = self.done("keep_key_id", answers);
        self.same("keep_key_id", answers);
    }

    /// Both answers to a command, if they are the same: what was done, or how a caller would react.
    pub(super) fn same_write<T: PartialEq + std::fmt::Debug>(
        &self,
        what: &str,
        answers: [Result<T, WriteError>; 2],
    ) -> Result<T, &'static str> {
        for answer in &answers {
            if let Err(WriteError::Store(error)) = answer {
                panic!("seed {}, step {}: {what}: {error}", self.seed, self.step);
            }
        }
        let answers = answers.map(|answer| answer.map_err(|error| normal::reaction(&error)));
        self.same(what, answers)
    }
}

fn body(claimed: &Claimed) -> Bytes {
    Bytes::from(world::body(claimed))
}
