//! How an endpoint and a source are, and how much they are given. Both are one row however many
//! deliveries wait.
//!
//!   closed ── 5 failures in a row ──► open: one attempt at a time, no sooner than `next_at`
//!     ▲                                 │ success
//!     └──── limit back at its full ◄────┘ limit 2, 4, 8, …

use serde::{Deserialize, Serialize};

use crate::{
    ids::DeliveryId,
    limits::{
        BREAKER_DEADLINE_PACE_MS, BREAKER_DELAY_MS, BREAKER_DELAY_MS_MAX, BREAKER_FAILURES,
        ENDPOINT_CONCURRENCY_MAX, ENDPOINT_CONCURRENCY_MIN, ENDPOINT_SHARE,
    },
    outcome::Outcome,
    retry::back_off_ms,
    time::{Elapsed, Now, Wall},
};

/// How an endpoint has answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EndpointHealth {
    /// Failures since the last success.
    pub failures_count: u32,
    /// Attempts that may be on their way to it at a time.
    pub limit: u32,
    /// The breaker, while it is open.
    pub breaker: Option<Breaker>,
    /// Since when deliveries are held back by the breaker; until the limit is back at its full. A
    /// delivery that waits since then has its 72 hours running.
    pub holding_since: Option<Elapsed>,
    /// When it last took a delivery.
    pub last_success_at: Option<Wall>,
}

/// An open breaker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Breaker {
    /// When it opened.
    pub open_since: Elapsed,
    /// When the next attempt may start.
    pub next_at: Elapsed,
    /// The wait after the next failure.
    pub delay_ms: u64,
    /// When a delivery at its deadline last went past it.
    pub deadline_sent_at: Option<Elapsed>,
    /// Who has the turn, until it is known how its attempt ended.
    #[serde(default)]
    pub turn: Option<DeliveryId>,
}

impl EndpointHealth {
    /// An endpoint of which nothing is known.
    #[must_use]
    pub fn new() -> EndpointHealth {
        EndpointHealth {
            failures_count: 0,
            limit: ENDPOINT_CONCURRENCY_MAX,
            breaker: None,
            holding_since: None,
            last_success_at: None,
        }
    }

    /// How it is after an attempt at this delivery.
    #[must_use]
    pub fn after(&self, delivery: DeliveryId, outcome: &Outcome, now: Now) -> EndpointHealth {
        match outcome {
            Outcome::Accepted => self.after_success(now),
            Outcome::Gone | Outcome::Failed { .. } => {
                self.after_failure(delivery, outcome.asks_for_less(), now.elapsed)
            }
        }
    }

    fn after_success(&self, now: Now) -> EndpointHealth {
        let limit = self.limit.saturating_mul(2).min(ENDPOINT_CONCURRENCY_MAX);
        let drained = limit == ENDPOINT_CONCURRENCY_MAX;
        EndpointHealth {
            failures_count: 0,
            limit,
            breaker: None,
            holding_since: self.holding_since.filter(|_| !drained),
            last_success_at: Some(now.wall),
        }
    }

    fn after_failure(&self, delivery: DeliveryId, less: bool, now: Elapsed) -> EndpointHealth {
        let mut health = self.clone();
        health.failures_count = self.failures_count.saturating_add(1);
        if less {
            health.limit = (self.limit / 2).max(1);
        }
        match &mut health.breaker {
            // What was claimed before the breaker opened, and goes on failing after it, says
            // nothing new: only who has the turn lengthens the wait.
            Some(breaker) if breaker.turn != Some(delivery) => {
                breaker.next_at = breaker.next_at.max(now.plus_ms(BREAKER_DELAY_MS));
            }
            Some(breaker) => {
                breaker.turn = None;
                breaker.next_at = now.plus_ms(breaker.delay_ms);
                breaker.delay_ms = breaker.delay_ms.saturating_mul(2).min(BREAKER_DELAY_MS_MAX);
            }
            None if health.failures_count >= BREAKER_FAILURES => {
                health.limit = 1;
                health.holding_since.get_or_insert(now);
                health.breaker = Some(Breaker {
                    open_since: now,
                    next_at: now.plus_ms(BREAKER_DELAY_MS),
                    delay_ms: BREAKER_DELAY_MS * 2,
                    deadline_sent_at: None,
                    turn: None,
                });
            }
            None => {}
        }
        health
    }

    /// How many attempts may start now beside the `in_flight` ones.
    #[must_use]
    pub fn room(&self, now: Elapsed, in_flight: u32) -> u32 {
        match &self.breaker {
            Some(breaker) if now < breaker.next_at => 0,
            Some(_) => 1u32.saturating_sub(in_flight),
            None => self.limit.saturating_sub(in_flight),
        }
    }

    /// Takes the turn that [`EndpointHealth::room`] gave behind an open breaker, so that no other
    /// worker takes it too.
    pub fn take_turn(&mut self, delivery: DeliveryId, now: Elapsed) {
        if let Some(breaker) = &mut self.breaker {
            breaker.turn = Some(delivery);
            breaker.next_at = now.plus_ms(breaker.delay_ms);
        }
    }

    /// Gives the turn back of a delivery that was not sent after all, so that the next one need not
    /// wait for an attempt that nobody made.
    pub fn give_back(&mut self, delivery: DeliveryId, now: Elapsed) {
        if let Some(breaker) = &mut self.breaker
            && breaker.turn == Some(delivery)
        {
            breaker.turn = None;
            breaker.next_at = now;
        }
    }

    /// Lets a delivery that is past its deadline go by an open breaker: at most one a second. Says
    /// whether it may.
    #[must_use]
    pub fn take_deadline_turn(&mut self, now: Elapsed) -> bool {
        let Some(breaker) = &mut self.breaker else { return false };
        let paced =
            breaker.deadline_sent_at.is_none_or(|at| now.since_ms(at) >= BREAKER_DEADLINE_PACE_MS);
        if paced {
            breaker.deadline_sent_at = Some(now);
        }
        paced
    }

    /// Since when the clock of a delivery runs that was first due at `due_at` and has not been
    /// tried: `None` while nothing holds it back.
    #[must_use]
    pub fn held_since(&self, due_at: Elapsed) -> Option<Elapsed> {
        self.holding_since.map(|since| since.max(due_at))
    }
}

/// How many attempts may be on their way to one endpoint while so much room is spare: what is free
/// of a process beyond the half that it keeps for everybody. An idle process gives one endpoint all
/// that its health allows. Endpoints that are slow and always full share the spare half (n of them
/// hold n parts of n + 3), so that 50 of them leave the other half to the rest.
#[must_use]
pub fn endpoint_max(spare: usize) -> u32 {
    let share = u32::try_from(spare / ENDPOINT_SHARE).unwrap_or(u32::MAX);
    share.clamp(ENDPOINT_CONCURRENCY_MIN, ENDPOINT_CONCURRENCY_MAX)
}

/// The room that is spare while so much of it is on its way.
#[must_use]
pub fn spare(in_flight_max: usize, in_flight: usize) -> usize {
    (in_flight_max / 2).saturating_sub(in_flight)
}

impl Default for EndpointHealth {
    fn default() -> EndpointHealth {
        EndpointHealth::new()
    }
}

/// How a source has answered queries.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SourceHealth {
    /// Since when it is down; `None` while it answers.
    pub down: Option<SourceDown>,
}

/// A source that does not answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SourceDown {
    /// Since when.
    pub since: Elapsed,
    /// When the next query may run; one at a time.
    pub next_at: Elapsed,
    /// How many queries in a row found it down.
    pub count: u32,
    /// When a query last found it down: while nobody asks, nobody's patience runs out.
    #[serde(default)]
    pub found_at: Elapsed,
}

impl SourceHealth {
    /// How it is after a query that began at `started_at` found it down; `wait_ms` is what it asked
    /// for.
    #[must_use]
    pub fn after_failure(
        &self,
        started_at: Elapsed,
        wait_ms: Option<u64>,
        now: Elapsed,
    ) -> SourceHealth {
        let (since, count) = match &self.down {
            Some(down) if started_at < down.since => return self.clone(),
            Some(down) => (down.since, down.count.saturating_add(1)),
            None => (now, 0),
        };
        let wait_ms = back_off_ms(count).max(wait_ms.unwrap_or(0)).min(BREAKER_DELAY_MS_MAX);
        let down = SourceDown { since, next_at: now.plus_ms(wait_ms), count, found_at: now };
        SourceHealth { down: Some(down) }
    }

    /// Whether a query may run now: always while it answers, one at a time while it is down.
    #[must_use]
    pub fn allows(&self, now: Elapsed) -> bool {
        self.down.as_ref().is_none_or(|down| now >= down.next_at)
    }

    /// Takes the one turn of a source that is down.
    pub fn take_turn(&mut self, now: Elapsed) {
        if let Some(down) = &mut self.down {
            down.next_at = now.plus_ms(back_off_ms(down.count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{EventId, WebhookId},
        limits::ATTEMPTS_IN_FLIGHT_MAX,
        outcome::Failure,
        time::SECOND_MS,
    };

    fn failed(status: u16) -> Outcome {
        Outcome::Failed { why: Failure::Status(status), retry_after_ms: None }
    }

    fn at(ms: u64) -> Now {
        Now { wall: Wall(0), elapsed: Elapsed(ms) }
    }

    fn id(webhook: u64) -> DeliveryId {
        DeliveryId::new(EventId::from_bytes([0; 16]), WebhookId(webhook), 0)
    }

    fn open() -> EndpointHealth {
        (0..5).fold(EndpointHealth::new(), |health, _| health.after(id(9), &failed(500), at(0)))
    }

    #[test]
    fn the_fifth_failure_in_a_row_opens_the_breaker() {
        let mut health = EndpointHealth::new();
        for count in 1..=4 {
            health = health.after(id(9), &failed(500), at(0));
            assert_eq!((health.failures_count, health.breaker.is_none()), (count, true));
        }
        health = health.after(id(9), &failed(500), at(7));
        assert_eq!((health.room(Elapsed(5_006), 0), health.room(Elapsed(5_007), 0)), (0, 1));
        assert_eq!(health.room(Elapsed(5_007), 1), 0);
    }

    #[test]
    fn the_wait_of_an_open_breaker_doubles_from_5_s_to_5_min() {
        let mut health = open();
        let mut now = 0;
        for wait_s in [5, 10, 20, 40, 80, 160, 300, 300] {
            let next_at = health.breaker.clone().unwrap().next_at;
            assert_eq!(next_at, Elapsed(now + wait_s * SECOND_MS));
            now = next_at.0;
            health.take_turn(id(1), next_at);
            health = health.after(id(1), &failed(500), at(now));
        }
    }

    #[test]
    fn attempts_that_have_not_the_turn_do_not_lengthen_the_wait() {
        let opened = open_at(1_000);
        let after = opened.after(id(2), &failed(500), at(1_500));
        let (before, after) = (opened.breaker.unwrap(), after.breaker.unwrap());
        assert_eq!((after.delay_ms, after.next_at), (before.delay_ms, Elapsed(6_500)));
    }

    #[test]
    fn a_turn_that_led_to_no_attempt_is_given_back_by_who_had_it() {
        let mut health = open();
        health.take_turn(id(1), Elapsed(5_000));
        health.give_back(id(2), Elapsed(6_000));
        assert_eq!(health.room(Elapsed(14_999), 0), 0);
        health.give_back(id(1), Elapsed(6_000));
        assert_eq!((health.room(Elapsed(5_999), 0), health.room(Elapsed(6_000), 0)), (0, 1));
        // An attempt has told more than a turn that is given back later.
        health.take_turn(id(1), Elapsed(6_000));
        health = health.after(id(1), &failed(500), at(7_000));
        health.give_back(id(1), Elapsed(8_000));
        assert_eq!((health.room(Elapsed(16_999), 0), health.room(Elapsed(17_000), 0)), (0, 1));
    }

    fn open_at(ms: u64) -> EndpointHealth {
        (0..5).fold(EndpointHealth::new(), |health, _| health.after(id(9), &failed(500), at(ms)))
    }

    #[test]
    fn after_a_success_the_rest_drain_at_a_growing_pace() {
        let mut health = open();
        for limit in [2, 4, 8, 16, 32, 64, 64] {
            assert_eq!(health.holding_since.is_some(), health.limit < 64);
            health = health.after(id(1), &Outcome::Accepted, at(9));
            assert_eq!((health.limit, health.breaker.is_none()), (limit, true));
        }
        assert_eq!((health.holding_since, health.last_success_at), (None, Some(Wall(0))));
    }

    #[test]
    fn one_delivery_a_second_goes_by_an_open_breaker_at_its_deadline() {
        let mut health = open();
        let turns = [100, 1_099, 1_100].map(|ms| health.take_deadline_turn(Elapsed(ms)));
        assert_eq!(turns, [true, false, true]);
        assert!(!EndpointHealth::new().take_deadline_turn(Elapsed(0)));
    }

    #[test]
    fn an_endpoint_that_asks_for_less_is_given_half() {
        for status in [429, 502, 503, 504] {
            assert_eq!(EndpointHealth::new().after(id(1), &failed(status), at(0)).limit, 32);
        }
        assert_eq!(EndpointHealth::new().after(id(1), &failed(500), at(0)).limit, 64);
    }

    #[test]
    fn slow_endpoints_never_fill_a_process_and_one_alone_has_all_its_room() {
        let check = |endpoints: usize, each: u32, sum: usize| {
            let mut held = vec![0; endpoints];
            let total = |held: &[u32]| held.iter().sum::<u32>() as usize;
            loop {
                let before = total(&held);
                for at in 0..endpoints {
                    let bound = endpoint_max(spare(ATTEMPTS_IN_FLIGHT_MAX, total(&held)));
                    held[at] += u32::from(held[at] < bound);
                }
                if total(&held) == before {
                    break;
                }
            }
            assert_eq!((held[0], total(&held)), (each, sum), "{endpoints} endpoints");
        };
        check(1, 64, 64);
        check(8, 24, 185);
        check(50, 5, 242);
        check(100, 3, 248);
    }

    #[test]
    fn a_source_that_is_down_is_asked_by_one_at_a_time() {
        let down = SourceHealth::default().after_failure(Elapsed(0), None, Elapsed(10));
        assert!(!down.allows(Elapsed(5_009)) && down.allows(Elapsed(5_010)));
        let mut taken = down.clone();
        taken.take_turn(Elapsed(5_010));
        assert!(!taken.allows(Elapsed(5_010)));
        assert_eq!(down.after_failure(Elapsed(9), None, Elapsed(11)), down);
    }
}
