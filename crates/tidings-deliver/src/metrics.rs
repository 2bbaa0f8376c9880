//! Counts of what was done, for `/metrics`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Upper bounds of the duration classes, in milliseconds.
const DURATION_BOUNDS_MS: [u64; 10] = [5, 10, 25, 50, 100, 250, 1_000, 5_000, 15_000, 30_000];

/// What was done since the start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliverMetrics {
    /// Attempts by their outcome.
    pub attempts: BTreeMap<&'static str, u64>,
    /// Deliveries by the step that was recorded for them.
    pub steps: BTreeMap<&'static str, u64>,
    /// How long attempts took.
    pub durations: DurationCounts,
    /// Attempts that are being made.
    pub in_flight: usize,
    /// Leases that were lost to another worker.
    pub leases_lost: u64,
}

/// How many durations fell into which class.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DurationCounts {
    counts: [u64; DURATION_BOUNDS_MS.len()],
    /// All of them.
    pub count: u64,
    /// Their sum.
    pub sum_ms: u64,
}

impl DurationCounts {
    fn add(&mut self, duration_ms: u64) {
        if let Some(class) = DURATION_BOUNDS_MS.iter().position(|bound| duration_ms <= *bound) {
            self.counts[class] += 1;
        }
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(duration_ms);
    }

    /// Upper bounds in milliseconds, with how many were at most that long.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let sums = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        DURATION_BOUNDS_MS.into_iter().zip(sums)
    }
}

/// The counts as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<DeliverMetrics>);

impl Counters {
    pub(crate) fn attempt(&self, outcome: &'static str, duration_ms: u64) {
        self.change(|metrics| {
            *metrics.attempts.entry(outcome).or_default() += 1;
            metrics.durations.add(duration_ms);
        });
    }

    pub(crate) fn step(&self, step: &'static str) {
        self.change(|metrics| *metrics.steps.entry(step).or_default() += 1);
    }

    pub(crate) fn lease_lost(&self) {
        self.change(|metrics| metrics.leases_lost += 1);
    }

    pub(crate) fn read(&self, in_flight: usize) -> DeliverMetrics {
        let metrics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        DeliverMetrics { in_flight, ..metrics.clone() }
    }

    fn change(&self, change: impl FnOnce(&mut DeliverMetrics)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_each_bound() {
        let mut durations = DurationCounts::default();
        for duration_ms in [1, 5, 6, 99_999] {
            durations.add(duration_ms);
        }
        let first: Vec<(u64, u64)> = durations.cumulative().take(2).collect();
        assert_eq!((first, durations.count), (vec![(5, 2), (10, 3)], 4));
    }
}
