//! When the next attempt is due: the schedule of docs/delivery.md, as plain functions.

use serde::{Deserialize, Serialize};

use crate::{
    limits::{BREAKER_DELAY_MS, BREAKER_DELAY_MS_MAX, HORIZON_MS, JITTER_PERCENT},
    time::{Elapsed, HOUR_MS, MINUTE_MS, SECOND_MS},
};

/// The delays after the first attempts; the last is repeated until the horizon.
pub const DELAYS_MS: [u64; 9] = [
    5 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    6 * HOUR_MS,
];

/// How long and how often a webhook's receiver is tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Milliseconds from the end of an attempt to the start of the next; the last is repeated.
    /// Never empty.
    pub delays_ms: Vec<u64>,
    /// Milliseconds from the first attempt to the last.
    pub horizon_ms: u64,
}

impl RetryPolicy {
    /// The schedule of 72 hours.
    #[must_use]
    pub fn standard() -> RetryPolicy {
        RetryPolicy { delays_ms: DELAYS_MS.to_vec(), horizon_ms: HORIZON_MS }
    }

    /// One attempt and no other, for tests that a person makes.
    #[must_use]
    pub fn once() -> RetryPolicy {
        RetryPolicy { delays_ms: vec![SECOND_MS], horizon_ms: 0 }
    }

    /// The planned delay after the attempt with this number (from 1), before jitter.
    #[must_use]
    pub fn delay_ms(&self, attempt: u32) -> u64 {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let last = self.delays_ms.last().copied().unwrap_or(HOUR_MS);
        self.delays_ms.get(index).copied().unwrap_or(last)
    }

    /// When to try again after the attempt with this number ended at `now`; `None` when that one
    /// was the last. The one at the deadline is the last. `retry_after_ms` is honoured between the
    /// planned delay and the deadline.
    #[must_use]
    pub fn due_at(
        &self,
        attempt: u32,
        now: Elapsed,
        deadline: Elapsed,
        retry_after_ms: Option<u64>,
        jitter: Jitter,
    ) -> Option<Elapsed> {
        if now >= deadline {
            return None;
        }
        let planned_ms = jitter.spread(self.delay_ms(attempt));
        let delay_ms = planned_ms.max(retry_after_ms.unwrap_or(0));
        Some(now.plus_ms(delay_ms).min(deadline))
    }
}

/// A random number that spreads a delay by up to ±10 %.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Jitter(pub u64);

impl Jitter {
    /// The number that leaves a delay as it is.
    pub const NONE: Jitter = Jitter(10 * JITTER_PERCENT);

    /// The delay, spread.
    #[must_use]
    pub fn spread(self, delay_ms: u64) -> u64 {
        let width = 20 * JITTER_PERCENT + 1;
        let thousandths = 1_000 - 10 * JITTER_PERCENT + self.0 % width;
        delay_ms.saturating_mul(thousandths) / 1_000
    }
}

/// The wait after the `count`-th wait in a row (from 0) for something that is not there: 5 s,
/// doubling to 5 min.
#[must_use]
pub fn back_off_ms(count: u32) -> u64 {
    BREAKER_DELAY_MS.saturating_mul(1 << count.min(16)).min(BREAKER_DELAY_MS_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(attempt: u32, now_ms: u64, expected: Option<u64>) {
        let policy = RetryPolicy::standard();
        let due_at =
            policy.due_at(attempt, Elapsed(now_ms), Elapsed(72 * HOUR_MS), None, Jitter::NONE);
        assert_eq!(due_at, expected.map(Elapsed), "after attempt {attempt} at {now_ms} ms");
    }

    #[test]
    fn the_schedule_is_the_published_one() {
        let planned = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 21_600, 21_600];
        for (index, seconds) in planned.into_iter().enumerate() {
            check(u32::try_from(index).unwrap() + 1, 0, Some(seconds * SECOND_MS));
        }
    }

    #[test]
    fn the_last_attempt_is_due_at_the_deadline_and_none_after_it() {
        check(18, 62 * HOUR_MS, Some(68 * HOUR_MS));
        check(19, 68 * HOUR_MS, Some(72 * HOUR_MS));
        check(20, 72 * HOUR_MS, None);
        check(20, 90 * HOUR_MS, None);
    }

    #[test]
    fn retry_after_lengthens_a_delay_but_never_shortens_it_nor_passes_the_deadline() {
        let policy = RetryPolicy::standard();
        let due = |retry_after_ms| {
            policy.due_at(1, Elapsed(0), Elapsed(HOUR_MS), Some(retry_after_ms), Jitter::NONE)
        };
        assert_eq!(due(0), Some(Elapsed(5 * SECOND_MS)));
        assert_eq!(due(MINUTE_MS), Some(Elapsed(MINUTE_MS)));
        assert_eq!(due(u64::MAX), Some(Elapsed(HOUR_MS)));
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_tenth(random: u64, delay_ms in 0..=24 * HOUR_MS) {
            let spread = Jitter(random).spread(delay_ms);
            prop_assert!(spread >= delay_ms / 10 * 9 && spread <= delay_ms + delay_ms / 10 + 1);
        }

        #[test]
        fn an_attempt_is_never_planned_after_the_deadline_nor_before_now(
            attempt in 1..100u32, now in 0..100 * HOUR_MS, after: Option<u64>, random: u64,
        ) {
            let deadline = Elapsed(72 * HOUR_MS);
            let policy = RetryPolicy::standard();
            let due = policy.due_at(attempt, Elapsed(now), deadline, after, Jitter(random));
            match due {
                Some(due) => prop_assert!(due > Elapsed(now) && due <= deadline),
                None => prop_assert!(Elapsed(now) >= deadline),
            }
        }
    }
}
