//! Who watches every commit as it is made, and holds it against the rules as they are published:
//! leases, due times, deadlines, final states. It keeps books of its own, and asks the store for
//! nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidings_core::{
    delivery::{LeaseToken, ReasonCode, Step},
    ids::{DeliveryId, WebhookId},
    limits::{CLAIMS_WITHOUT_RESULT_MAX, SOURCE_PATIENCE_MS},
    outcome::Outcome,
    time::{Elapsed, Now, SECOND_MS},
    webhook::Webhook,
};
use tidings_store::{Append, Appended, Claimed, Extend, Freeze, MadeAttempt, Record};

use crate::schedule::{due_window, waited_window};

/// A freeze may be written until half a lease after the moment that it counts from.
const SLACK_MS: u64 = 35 * SECOND_MS;

/// A rule that was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// When.
    pub at: Elapsed,
    /// Which rule: its name stays the same while a failure is shrunk.
    pub rule: &'static str,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {} ms, {}: {}", self.at.0, self.rule, self.what)
    }
}

/// How often what happened.
pub type Tally = BTreeMap<&'static str, u64>;

/// The watcher.
#[derive(Debug, Default)]
pub struct Witness(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    tracks: HashMap<DeliveryId, Track>,
    /// When webhooks stood still: from and until.
    stops: HashMap<WebhookId, Vec<(Elapsed, Option<Elapsed>)>>,
    deleted: BTreeSet<WebhookId>,
    tally: Tally,
    violations: Vec<Violation>,
}

/// What is known of one delivery.
#[derive(Debug, Default)]
struct Track {
    born_at: Option<Elapsed>,
    due_at: Option<Elapsed>,
    lease: Option<Lease>,
    /// When it was last given out: what its worker knows of pauses is from then.
    given_at: Elapsed,
    claims: u32,
    attempts: u32,
    /// When the last attempt began that was recorded.
    attempt_at: Option<Elapsed>,
    /// When its 72 hours began.
    begun_at: Option<Elapsed>,
    waits_since: Option<Elapsed>,
    webhook: Option<Arc<Webhook>>,
    test: bool,
    done: Option<&'static str>,
    unwanted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    token: LeaseToken,
    expires_at: Elapsed,
    process: usize,
}

impl Witness {
    /// Tells of a rule that was broken.
    pub fn accuse(&self, at: Elapsed, rule: &'static str, what: String) {
        self.books().accuse(at, rule, what);
    }

    /// Counts something.
    pub fn count(&self, what: &'static str) {
        self.books().count(what);
    }

    /// What was broken.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.books().violations.clone()
    }

    /// What was counted.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.books().tally.clone()
    }

    /// How a delivery was ended by a record, if it was.
    #[must_use]
    pub fn done(&self, id: DeliveryId) -> Option<&'static str> {
        self.books().tracks.get(&id).and_then(|track| track.done)
    }

    /// When the last attempt at a delivery began that was recorded.
    #[must_use]
    pub fn last_attempt_at(&self, id: DeliveryId) -> Option<Elapsed> {
        self.books().tracks.get(&id).and_then(|track| track.attempt_at)
    }

    /// Whether a person ended it: it was cancelled, or its webhook was deleted.
    #[must_use]
    pub fn unwanted(&self, id: DeliveryId) -> bool {
        let books = self.books();
        books.deleted.contains(&id.webhook())
            || books.tracks.get(&id).is_some_and(|track| track.unwanted)
    }

    /// A person cancelled a delivery.
    pub fn cancelled(&self, id: DeliveryId) {
        self.books().tracks.entry(id).or_default().unwanted = true;
    }

    /// A person deleted a webhook.
    pub fn deleted(&self, id: WebhookId) {
        self.books().deleted.insert(id);
    }

    /// A webhook's clock stands still.
    pub fn stopped(&self, id: WebhookId, now: Elapsed) {
        self.books().stop(id, now);
    }

    /// A webhook's clock goes on.
    pub fn went_on(&self, id: WebhookId, now: Elapsed) {
        if let Some(last) = self.books().stops.entry(id).or_default().last_mut() {
            last.1.get_or_insert(now);
        }
    }

    pub(crate) fn appended(&self, process: usize, now: Now, asked: &Append, made: &Appended) {
        for (event, answer) in asked.events.iter().zip(&made.events) {
            if answer.duplicate {
                self.count("duplicates");
                continue;
            }
            for found in &event.matches {
                let id = DeliveryId::new(event.event.id, found.webhook.id, 0);
                let born = Track {
                    born_at: Some(now.elapsed),
                    due_at: Some(now.elapsed),
                    ..Track::default()
                };
                self.books().tracks.insert(id, born);
            }
        }
        for claimed in &made.newborn {
            self.given(process, now, claimed);
            self.count("newborn");
        }
    }

    pub(crate) fn given(&self, process: usize, now: Now, claimed: &Claimed) {
        let mut books = self.books();
        let (id, at) = (claimed.delivery.id, now.elapsed);
        books.count("leases");
        let deleted = books.deleted.contains(&id.webhook());
        let track = books.tracks.entry(id).or_default();
        let mut broken = Vec::new();
        if let Some(done) = track.done {
            broken.push(("a final state never changes", format!("{id} was {done}")));
        }
        if deleted || track.unwanted {
            broken.push(("nothing unwanted is given out", id.to_string()));
        }
        match (track.lease, track.due_at) {
            (Some(lease), _) if lease.expires_at > at => {
                let what = format!("{id} until {}, by {}", lease.expires_at.0, lease.process);
                broken.push(("no two workers hold one lease", what));
            }
            (Some(_), _) => {}
            (None, Some(due_at)) if due_at > at => {
                broken.push(("nothing is given before it is due", format!("{id}: {}", due_at.0)));
            }
            _ => {}
        }
        let expires_at = claimed.delivery.next_at().unwrap_or_default();
        track.lease = Some(Lease { token: claimed.token, expires_at, process });
        track.given_at = at;
        track.claims += 1;
        track.webhook = Some(Arc::clone(&claimed.webhook));
        track.test = claimed.delivery.test;
        let again = track.claims > 1;
        let too_often = track.claims > CLAIMS_WITHOUT_RESULT_MAX;
        if too_often {
            broken.push(("what yields no result is set aside", id.to_string()));
        }
        if again {
            books.count("leases that ran out");
        }
        for (rule, what) in broken {
            books.accuse(at, rule, what);
        }
    }

    pub(crate) fn extended(&self, now: Now, item: &Extend, done: bool) {
        let mut books = self.books();
        let Some(track) = books.tracks.get_mut(&item.delivery) else { return };
        match &mut track.lease {
            Some(lease) if done && lease.token == item.token => {
                lease.expires_at = item.expires_at;
                books.count("extensions");
            }
            _ if done => {
                let what = format!("{} was extended by a lost lease", item.delivery);
                books.accuse(now.elapsed, "a lost lease writes nothing", what);
            }
            _ => {}
        }
    }

    pub(crate) fn frozen(&self, now: Now, item: &Freeze, done: bool) {
        let mut books = self.books();
        let Some(track) = books.tracks.get_mut(&item.delivery) else { return };
        if !done {
            return;
        }
        let holds = track.lease.is_some_and(|lease| lease.token == item.token);
        track.waits_since = None;
        let horizon_ms = match &track.webhook {
            Some(webhook) if !track.test => webhook.retry.horizon_ms,
            _ => 0,
        };
        let begun_at = Elapsed(item.deadline.0.saturating_sub(horizon_ms));
        let first = track.begun_at.is_none();
        track.begun_at.get_or_insert(begun_at);
        let born_at = track.born_at.unwrap_or_default();
        if first && (begun_at < born_at || begun_at > now.elapsed) {
            let what =
                format!("{}: begun at {}, frozen at {}", item.delivery, begun_at.0, now.elapsed.0);
            books.accuse(now.elapsed, "the 72 hours begin with the first attempt", what);
        }
        if !holds {
            let what = format!("{} was frozen by a lost lease", item.delivery);
            books.accuse(now.elapsed, "a lost lease writes nothing", what);
        }
        books.count("freezes");
    }

    pub(crate) fn recorded(&self, now: Now, item: &Record, done: bool) {
        let mut books = self.books();
        let deleted = books.deleted.contains(&item.delivery.webhook());
        let Some(track) = books.tracks.get_mut(&item.delivery) else { return };
        let holds = track.lease.is_some_and(|lease| lease.token == item.token);
        let unwanted = track.unwanted || deleted;
        if !done {
            // What is past its deadline may be ended by a claim, but never under a lease that
            // lasts.
            let lasts = track.lease.is_some_and(|lease| lease.expires_at > now.elapsed);
            if holds && lasts && !unwanted {
                let what = format!("{} was refused a good lease", item.delivery);
                books.accuse(now.elapsed, "who holds a lease may record", what);
            }
            books.count("lost leases");
            return;
        }
        track.lease = None;
        track.claims = 0;
        let number = track.attempts + 1;
        track.attempts += u32::from(item.attempt.is_some());
        track.attempt_at = item.attempt.as_ref().map_or(track.attempt_at, |it| Some(it.started_at));
        if !holds {
            let what = format!("{} was recorded by a lost lease", item.delivery);
            books.accuse(now.elapsed, "a lost lease writes nothing", what);
        }
        if let Some(made) = &item.attempt {
            if made.attempt.number != number {
                let what = format!("{}: {}, not {number}", item.delivery, made.attempt.number);
                books.accuse(now.elapsed, "attempts are numbered from 1", what);
            }
            books.count("attempts recorded");
        }
        books.step(now, item);
    }

    /// A process is about to send. Says whether it holds the lease now. One that `stood_still`
    /// cannot know that its lease ran out meanwhile; nobody is to blame for that.
    pub(crate) fn sends(
        &self,
        process: usize,
        id: DeliveryId,
        now: Now,
        stood_still: bool,
    ) -> bool {
        let mut books = self.books();
        let unwanted = books.deleted.contains(&id.webhook());
        let track = books.tracks.entry(id).or_default();
        let lease = track.lease;
        let of_process = lease.filter(|lease| lease.process == process);
        let holds = of_process.is_some_and(|lease| lease.expires_at > now.elapsed);
        if !holds && !stood_still && !unwanted && !track.unwanted {
            let what = format!("{id} by process {process}, lease: {lease:?}");
            books.accuse(now.elapsed, "who sends holds the lease", what);
        }
        holds
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn accuse(&mut self, at: Elapsed, rule: &'static str, what: String) {
        self.violations.push(Violation { at, rule, what });
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn stop(&mut self, id: WebhookId, now: Elapsed) {
        let stops = self.stops.entry(id).or_default();
        if stops.last().is_none_or(|last| last.1.is_some()) {
            stops.push((now, None));
        }
    }

    fn step(&mut self, now: Now, item: &Record) {
        let (id, at) = (item.delivery, now.elapsed);
        match &item.step {
            Step::Finish => self.end(id, "delivered"),
            Step::Suppress { .. } => self.end(id, "suppressed"),
            Step::Exhaust { why } => {
                self.exhausted(now, item, why.code);
                self.end(id, "exhausted");
            }
            Step::RetryAt { due_at, .. } => self.retried(now, item, *due_at),
            Step::WaitForQuery { due_at, .. } => {
                self.count("waits for the query");
                let track = self.tracks.entry(id).or_default();
                track.waits_since.get_or_insert(at);
                track.due_at = Some(*due_at);
            }
            Step::DisableWebhook { .. } | Step::HoldWebhook { .. } => {
                self.count("webhooks stopped");
                self.stop(id.webhook(), at);
                self.tracks.entry(id).or_default().due_at = Some(at);
            }
            Step::Release => {
                self.count("handed back");
                self.tracks.entry(id).or_default().due_at = Some(at);
            }
        }
    }

    fn end(&mut self, id: DeliveryId, how: &'static str) {
        self.count(how);
        self.tracks.entry(id).or_default().done = Some(how);
    }

    /// A retry lies in the window of the published schedule, and none is planned by an attempt
    /// that was made at the deadline.
    fn retried(&mut self, now: Now, item: &Record, due_at: Elapsed) {
        self.count("retries");
        let deadline = self.deadline(item.delivery, now.elapsed);
        let track = self.tracks.entry(item.delivery).or_default();
        track.due_at = Some(due_at);
        let Some(webhook) = track.webhook.clone() else { return };
        let Some(made) = &item.attempt else {
            // It may have taken long to write: only the later end is sure.
            let (_, until) = waited_window(now.elapsed, 5 * SECOND_MS);
            if due_at > until {
                let what = format!("{}: {} is not in 5 s", item.delivery, due_at.0);
                self.accuse(now.elapsed, "a retry is planned by the schedule", what);
            }
            return;
        };
        let ended_at = ended_at(made);
        let (mut from, mut until) =
            due_window(&webhook.retry.delays_ms, made.attempt.number, ended_at);
        if let Outcome::Failed { retry_after_ms: Some(wait_ms), .. } = made.attempt.outcome {
            from = from.max(ended_at.plus_ms(wait_ms));
            until = until.max(ended_at.plus_ms(wait_ms));
        }
        if let Some((known, deadline)) = deadline {
            from = from.min(Elapsed(known.0.saturating_sub(SLACK_MS)));
            until = until.min(deadline.plus_ms(SLACK_MS));
            if ended_at > deadline.plus_ms(SLACK_MS) {
                let what =
                    format!("{}: ended at {}, deadline {}", item.delivery, ended_at.0, deadline.0);
                self.accuse(now.elapsed, "nothing is tried again after its deadline", what);
            }
        }
        if due_at < from || due_at > until {
            let what = format!(
                "{} after attempt {} at {}: {}, planned {} to {}",
                item.delivery, made.attempt.number, ended_at.0, due_at.0, from.0, until.0
            );
            self.accuse(now.elapsed, "a retry is planned by the schedule", what);
        }
    }

    fn exhausted(&mut self, now: Now, item: &Record, code: ReasonCode) {
        let id = item.delivery;
        let deadline = self.deadline(id, now.elapsed);
        let track = self.tracks.entry(id).or_default();
        if track.test {
            return;
        }
        match code {
            ReasonCode::SourceDown | ReasonCode::QueryErrors => {
                let waited_ms = track.waits_since.map_or(0, |since| now.elapsed.since_ms(since));
                self.count("exhausted by the source");
                if waited_ms.saturating_add(SLACK_MS) < SOURCE_PATIENCE_MS {
                    let what = format!("{id} after {waited_ms} ms");
                    self.accuse(now.elapsed, "a source's outage exhausts nothing in 7 days", what);
                }
            }
            ReasonCode::AttemptFailed => {
                let ended_at = item.attempt.as_ref().map_or(now.elapsed, ended_at);
                if deadline.is_some_and(|(known, _)| ended_at.plus_ms(SLACK_MS) < known) {
                    let (begun_at, stops) = (track.begun_at, self.stops.get(&id.webhook()));
                    let what = format!(
                        "{id} at {}: begun {begun_at:?}, deadline {deadline:?}, stopped {stops:?}",
                        ended_at.0
                    );
                    self.accuse(now.elapsed, "nothing is exhausted before its deadline", what);
                }
            }
            _ => {}
        }
    }

    /// The end of a delivery's 72 hours: counted from its beginning, without the time in which its
    /// webhook stood still. First as its worker could know it, then as it is.
    fn deadline(&self, id: DeliveryId, now: Elapsed) -> Option<(Elapsed, Elapsed)> {
        let track = self.tracks.get(&id)?;
        let webhook = track.webhook.as_ref()?;
        let begun_at = track.begun_at?;
        let stops = self.stops.get(&id.webhook()).map_or(&[][..], Vec::as_slice);
        let still_ms = |known_at: Elapsed| -> u64 {
            let until = |until: Option<Elapsed>| until.unwrap_or(now).min(known_at);
            stops.iter().map(|stop| until(stop.1).since_ms(stop.0.max(begun_at))).sum()
        };
        let end = begun_at.plus_ms(webhook.retry.horizon_ms);
        Some((end.plus_ms(still_ms(track.given_at)), end.plus_ms(still_ms(now))))
    }
}

fn ended_at(made: &MadeAttempt) -> Elapsed {
    made.started_at.plus_ms(made.attempt.duration_ms)
}
