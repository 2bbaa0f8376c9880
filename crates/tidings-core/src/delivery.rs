//! A delivery: the duty to bring one event to one webhook. The only place where its state changes.
//!
//!   pending (due_at) ─► leased (token) ─► delivered │ suppressed │ exhausted │ cancelled
//!       ▲                    │
//!       └── retry, source trouble, an expired lease
//!
//! `held` is not a state: it is how a pending delivery is shown whose webhook is paused, held or
//! disabled.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ApplicationId, DeliveryId},
    outcome::{Failure, Outcome},
    retry::{Jitter, RetryPolicy},
    time::{Elapsed, Now, Wall},
    trigger::TriggerName,
    webhook::Running,
};

/// A worker's time-limited right to a delivery. A write with another token than the present one is
/// refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseToken(pub u64);

/// A delivery as it is stored. Its event and its webhook are a part of its id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The wire's `webhook.id`.
    pub id: DeliveryId,
    /// Whose it is.
    pub application: ApplicationId,
    /// The name under which the webhook heard the event: the wire's `webhook.trigger`.
    pub trigger: TriggerName,
    /// Where it stands.
    pub state: State,
    /// Attempts that were recorded.
    pub attempts_count: u32,
    /// The end of the 72 hours on the webhook's running clock; `None` until they have begun.
    pub deadline: Option<Running>,
    /// The wait for its query.
    pub waiting: Option<Waiting>,
    /// Whether it is a test that a person made: it is tried once.
    pub test: bool,
    /// Whether its body was erased, for good.
    pub erased: bool,
    /// When it came into being.
    pub added_at: Wall,
    /// When it ended.
    pub finished_at: Option<Wall>,
}

/// How long a delivery has been waiting for an answer to its query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// What it waits for: `SourceDown` and `QueryErrors` have each a patience of their own.
    pub code: ReasonCode,
    /// Since when.
    pub since: Elapsed,
    /// How often it was tried.
    pub count: u32,
}

/// Where a delivery stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// It waits for its turn. `why` is what last went wrong, if anything has.
    Pending {
        /// When its next attempt may start.
        due_at: Elapsed,
        /// What last went wrong.
        why: Option<Reason>,
    },
    /// A worker has it.
    Leased {
        /// The worker's right.
        token: LeaseToken,
        /// When another may take it.
        expires_at: Elapsed,
    },
    /// The receiver has it.
    Delivered,
    /// Nothing was to be sent. Not a failure.
    Suppressed {
        /// Why not.
        why: Reason,
    },
    /// It was tried for as long as it is to be tried.
    Exhausted {
        /// What went wrong last.
        why: Reason,
    },
    /// It is not wanted any more.
    Cancelled {
        /// Why.
        why: Reason,
    },
}

/// Why a delivery is where it is: a name that stays the same, and words for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// The name.
    pub code: ReasonCode,
    /// The words.
    pub detail: String,
}

/// The names of the reasons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// The receiver did not give the answer that counts.
    AttemptFailed,
    /// The endpoint's breaker was open when the deadline came.
    EndpointDown,
    /// The source did not answer the query.
    SourceDown,
    /// The query's response has errors.
    QueryErrors,
    /// The webhook's query does not fit the source's schema any more.
    QueryBroken,
    /// The composed body is over its bound.
    PayloadTooLarge,
    /// The webhook's rule for an error's code is `DROP`.
    ErrorRule,
    /// The webhook was deleted.
    WebhookDeleted,
    /// The application was deleted.
    ApplicationDeleted,
    /// A person cancelled it.
    CancelledByOwner,
    /// A person withdrew consent, or deleted what it is about.
    ConsentWithdrawn,
    /// It was begun again and again and no result was ever recorded.
    Quarantined,
}

impl ReasonCode {
    /// All of them.
    pub const ALL: [ReasonCode; 12] = [
        ReasonCode::AttemptFailed,
        ReasonCode::EndpointDown,
        ReasonCode::SourceDown,
        ReasonCode::QueryErrors,
        ReasonCode::QueryBroken,
        ReasonCode::PayloadTooLarge,
        ReasonCode::ErrorRule,
        ReasonCode::WebhookDeleted,
        ReasonCode::ApplicationDeleted,
        ReasonCode::CancelledByOwner,
        ReasonCode::ConsentWithdrawn,
        ReasonCode::Quarantined,
    ];

    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ReasonCode::AttemptFailed => "ATTEMPT_FAILED",
            ReasonCode::EndpointDown => "ENDPOINT_DOWN",
            ReasonCode::SourceDown => "SOURCE_DOWN",
            ReasonCode::QueryErrors => "QUERY_ERRORS",
            ReasonCode::QueryBroken => "QUERY_BROKEN",
            ReasonCode::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            ReasonCode::ErrorRule => "ERROR_RULE",
            ReasonCode::WebhookDeleted => "WEBHOOK_DELETED",
            ReasonCode::ApplicationDeleted => "APPLICATION_DELETED",
            ReasonCode::CancelledByOwner => "CANCELLED_BY_OWNER",
            ReasonCode::ConsentWithdrawn => "CONSENT_WITHDRAWN",
            ReasonCode::Quarantined => "QUARANTINED",
        }
    }
}

impl Reason {
    /// A reason.
    #[must_use]
    pub fn new(code: ReasonCode, detail: impl Into<String>) -> Reason {
        Reason { code, detail: detail.into() }
    }
}

impl State {
    /// Whether nothing will happen to it any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, State::Pending { .. } | State::Leased { .. })
    }

    /// Why it is where it is, where there is a reason.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            State::Pending { why, .. } => why.as_ref(),
            State::Suppressed { why } | State::Exhausted { why } | State::Cancelled { why } => {
                Some(why)
            }
            State::Leased { .. } | State::Delivered => None,
        }
    }
}

/// What becomes of a delivery that a worker has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The receiver has it.
    Finish,
    /// It is tried again.
    RetryAt {
        /// When.
        due_at: Elapsed,
        /// What went wrong.
        why: Reason,
    },
    /// It has been tried for as long as it is to be tried.
    Exhaust {
        /// What went wrong last.
        why: Reason,
    },
    /// The receiver wants nothing any more: the webhook is disabled, and the delivery waits until
    /// it is resumed.
    DisableWebhook {
        /// What happened.
        why: Reason,
    },
    /// The query cannot run as things are: the webhook is held, and the delivery waits until that
    /// is mended.
    HoldWebhook {
        /// What is wrong.
        why: Reason,
    },
    /// The query is run again later. No attempt was made.
    WaitForQuery {
        /// When.
        due_at: Elapsed,
        /// What went wrong.
        why: Reason,
    },
    /// Nothing is to be sent.
    Suppress {
        /// Why not.
        why: Reason,
    },
    /// The worker gives it back untouched.
    Release,
}

impl Delivery {
    /// A delivery that has just come into being, due at once.
    #[must_use]
    pub fn born(
        id: DeliveryId,
        application: ApplicationId,
        trigger: TriggerName,
        test: bool,
        now: Now,
    ) -> Delivery {
        Delivery {
            id,
            application,
            trigger,
            state: State::Pending { due_at: now.elapsed, why: None },
            attempts_count: 0,
            deadline: None,
            waiting: None,
            test,
            erased: false,
            added_at: now.wall,
            finished_at: None,
        }
    }

    /// When a worker may take it: the end of its wait or of another worker's lease; `None` when it
    /// is final.
    #[must_use]
    pub fn next_at(&self) -> Option<Elapsed> {
        match self.state {
            State::Pending { due_at, .. } => Some(due_at),
            State::Leased { expires_at, .. } => Some(expires_at),
            _ => None,
        }
    }

    /// Gives it to a worker. Only what [`Delivery::next_at`] allows may be given.
    pub fn lease(&mut self, token: LeaseToken, expires_at: Elapsed) {
        assert!(!self.state.is_final(), "{:?} is final and is not leased again", self.id);
        self.state = State::Leased { token, expires_at };
    }

    /// Whether the token is its present lease.
    #[must_use]
    pub fn is_leased_by(&self, token: LeaseToken) -> bool {
        matches!(self.state, State::Leased { token: present, .. } if present == token)
    }

    /// Lengthens its lease. The caller has checked the token.
    pub fn extend(&mut self, token: LeaseToken, expires_at: Elapsed) {
        assert!(self.is_leased_by(token), "only the holder of a lease extends it");
        self.state = State::Leased { token, expires_at };
    }

    /// Its body was frozen: its wait for the query is over, and its 72 hours begin unless they have
    /// before.
    pub fn freeze(&mut self, deadline: Running) {
        self.deadline.get_or_insert(deadline);
        self.waiting = None;
    }

    /// Takes the step that its worker decided. The caller has checked the token.
    pub fn take(&mut self, step: &Step, now: Now) {
        self.state = match step {
            Step::Finish => State::Delivered,
            Step::RetryAt { due_at, why } => {
                State::Pending { due_at: *due_at, why: Some(why.clone()) }
            }
            Step::WaitForQuery { due_at, why } => {
                let before = self.waiting.filter(|waiting| waiting.code == why.code);
                let since = before.map_or(now.elapsed, |waiting| waiting.since);
                let count = before.map_or(1, |waiting| waiting.count.saturating_add(1));
                self.waiting = Some(Waiting { code: why.code, since, count });
                State::Pending { due_at: *due_at, why: Some(why.clone()) }
            }
            Step::DisableWebhook { why } | Step::HoldWebhook { why } => {
                State::Pending { due_at: now.elapsed, why: Some(why.clone()) }
            }
            Step::Exhaust { why } => State::Exhausted { why: why.clone() },
            Step::Suppress { why } => State::Suppressed { why: why.clone() },
            Step::Release => State::Pending { due_at: now.elapsed, why: None },
        };
        self.finish_if_final(now);
    }

    /// Ends it because it is not wanted any more. A final state stays as it is.
    pub fn cancel(&mut self, why: Reason, now: Now) {
        if !self.state.is_final() {
            self.state = State::Cancelled { why };
            self.finish_if_final(now);
        }
    }

    /// Notes that what it tells of may not be told any more. A final state stays as it is.
    pub fn erase(&mut self, why: Reason, now: Now) {
        self.erased = true;
        self.cancel(why, now);
    }

    /// Ends it because its deadline came while its endpoint's breaker was open. A final state stays
    /// as it is.
    pub fn give_up(&mut self, why: Reason, now: Now) {
        if !self.state.is_final() {
            self.state = State::Exhausted { why };
            self.finish_if_final(now);
        }
    }

    fn finish_if_final(&mut self, now: Now) {
        if self.state.is_final() {
            self.finished_at = Some(now.wall);
        }
    }
}

/// What an attempt came to, and how often the delivery has been tried with it.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The attempt's number, from 1.
    pub number: u32,
    /// What it came to.
    pub outcome: Outcome,
    /// The end of the 72 hours.
    pub deadline: Elapsed,
}

/// What becomes of a delivery after an attempt.
#[must_use]
pub fn decide(policy: &RetryPolicy, tried: &Tried, now: Elapsed, jitter: Jitter) -> Step {
    match &tried.outcome {
        Outcome::Accepted => Step::Finish,
        Outcome::Gone => {
            let detail =
                "the receiver answered 410 Gone: resume the webhook once it wants to hear again";
            Step::DisableWebhook { why: Reason::new(ReasonCode::AttemptFailed, detail) }
        }
        Outcome::Failed { why, retry_after_ms } => {
            let reason = Reason::new(ReasonCode::AttemptFailed, in_words(why));
            match policy.due_at(tried.number, now, tried.deadline, *retry_after_ms, jitter) {
                Some(due_at) => Step::RetryAt { due_at, why: reason },
                None => Step::Exhaust { why: reason },
            }
        }
    }
}

/// A failure in words for the webhook's owner.
#[must_use]
pub fn in_words(failure: &Failure) -> String {
    match failure {
        Failure::Status(status) => format!("the receiver answered {status}"),
        Failure::Timeout => "the receiver did not answer in time".to_owned(),
        Failure::Connect => "no connection to the receiver".to_owned(),
        Failure::Dns => "the receiver's name does not resolve".to_owned(),
        Failure::Tls => "no TLS connection to the receiver".to_owned(),
        Failure::Broken => "the receiver broke the connection or did not speak HTTP".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{EventId, WebhookId},
        time::HOUR_MS,
    };

    fn failed() -> Outcome {
        Outcome::Failed { why: Failure::Status(500), retry_after_ms: None }
    }

    fn check(number: u32, now_ms: u64, outcome: Outcome, expected: &str) {
        let tried = Tried { number, outcome, deadline: Elapsed(72 * HOUR_MS) };
        let step = decide(&RetryPolicy::standard(), &tried, Elapsed(now_ms), Jitter::NONE);
        let short = match step {
            Step::RetryAt { due_at, .. } => format!("retry at {} h", due_at.0 / HOUR_MS),
            other => format!("{other:?}").split([' ', '{']).next().unwrap().to_owned(),
        };
        assert_eq!(short, expected);
    }

    #[test]
    fn an_attempt_finishes_retries_disables_or_exhausts() {
        check(1, 0, Outcome::Accepted, "Finish");
        check(1, 0, Outcome::Gone, "DisableWebhook");
        check(18, 62 * HOUR_MS, failed(), "retry at 68 h");
        check(19, 68 * HOUR_MS, failed(), "retry at 72 h");
        check(20, 72 * HOUR_MS, failed(), "Exhaust");
        check(20, 72 * HOUR_MS, Outcome::Accepted, "Finish");
    }

    fn delivery() -> Delivery {
        let id = DeliveryId::new(EventId::from_bytes([0; 16]), WebhookId(1), 0);
        Delivery::born(id, ApplicationId(1), "UserAdded".parse().unwrap(), false, Now::default())
    }

    #[test]
    fn a_final_state_never_changes() {
        let mut delivery = delivery();
        delivery.lease(LeaseToken(1), Elapsed(9));
        delivery.take(&Step::Finish, Now::default());
        delivery.cancel(Reason::new(ReasonCode::WebhookDeleted, ""), Now::default());
        delivery.give_up(Reason::new(ReasonCode::EndpointDown, ""), Now::default());
        assert_eq!((delivery.state.clone(), delivery.next_at()), (State::Delivered, None));
        assert_eq!(delivery.finished_at, Some(Wall(0)));
    }

    #[test]
    fn waiting_for_a_query_counts_from_its_first_wait() {
        let mut delivery = delivery();
        for ms in [5, 7] {
            let now = Now { wall: Wall(0), elapsed: Elapsed(ms) };
            delivery.lease(LeaseToken(ms), Elapsed(99));
            let why = Reason::new(ReasonCode::SourceDown, "refused");
            delivery.take(&Step::WaitForQuery { due_at: Elapsed(50), why }, now);
        }
        let code = ReasonCode::SourceDown;
        assert_eq!(delivery.waiting, Some(Waiting { code, since: Elapsed(5), count: 2 }));
        assert_eq!((delivery.next_at(), delivery.attempts_count), (Some(Elapsed(50)), 0));
        let now = Now { wall: Wall(0), elapsed: Elapsed(60) };
        delivery.lease(LeaseToken(60), Elapsed(99));
        let why = Reason::new(ReasonCode::QueryErrors, "no data");
        delivery.take(&Step::WaitForQuery { due_at: Elapsed(90), why }, now);
        let code = ReasonCode::QueryErrors;
        assert_eq!(delivery.waiting, Some(Waiting { code, since: Elapsed(60), count: 1 }));
        delivery.freeze(Running(70));
        delivery.freeze(Running(90));
        assert_eq!((delivery.waiting, delivery.deadline), (None, Some(Running(70))));
    }
}
