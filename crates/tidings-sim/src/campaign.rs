//! Many seeds: each is played, the first that fails is shrunk and told. A campaign in which too
//! little happened fails too.

use std::{
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{
    ops::Plan,
    sabotage::Sabotage,
    shrink::shrink,
    witness::{Tally, Violation},
    world::play,
};

/// Steps of one plan.
pub const STEPS: usize = 60;

/// What must have happened in a campaign, for each hundred seeds. Far less than what usually does:
/// who sees less is looking at a world in which nothing goes on.
pub const LEAST_PER_HUNDRED: [(&str, u64); 19] = [
    ("acknowledged", 2_000),
    ("posts", 4_000),
    ("attempts recorded", 3_000),
    ("retries", 700),
    ("delivered", 1_500),
    ("exhausted", 50),
    ("suppressed", 20),
    ("duplicates", 50),
    ("newborn", 300),
    ("crashes", 100),
    ("drains", 50),
    ("standstills", 30),
    ("leases that ran out", 50),
    ("lost leases", 5),
    ("handed back", 5),
    ("waits for the query", 200),
    ("webhooks stopped", 20),
    ("breakers opened", 30),
    ("replays", 50),
];

/// A seed that failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The whole plan.
    pub plan: Plan,
    /// The rules that were broken.
    pub violations: Vec<Violation>,
}

impl Failed {
    /// The failure for people, with the steps that it needs.
    #[must_use]
    pub fn explain(&self, sabotage: Option<Sabotage>) -> String {
        let shrunk = shrink(&self.plan, self.violations[0].rule, sabotage);
        let mut text = format!("seed {} breaks the rules:\n", self.plan.seed);
        for violation in self.violations.iter().take(5) {
            writeln!(text, "  {violation}").expect("writing to a String does not fail");
        }
        writeln!(
            text,
            "{} of {} steps are enough, with {} processes of {} attempts:",
            shrunk.ops.len(),
            self.plan.ops.len(),
            shrunk.processes,
            shrunk.attempts_max
        )
        .expect("writing to a String does not fail");
        for op in &shrunk.ops {
            writeln!(text, "  {op:?}").expect("writing to a String does not fail");
        }
        write!(text, "again: cargo xtask sim --seeds 1 --from {}", self.plan.seed)
            .expect("writing to a String does not fail");
        text
    }
}

/// Plays the seeds on so many threads, and adds up what happened.
///
/// # Errors
/// A seed that failed: the first that was found.
pub fn campaign(
    from: u64,
    seeds: u64,
    threads: usize,
    sabotage: Option<Sabotage>,
) -> Result<Tally, Box<Failed>> {
    let (next, stop) = (AtomicU64::new(from), AtomicBool::new(false));
    let sum: Mutex<Tally> = Mutex::default();
    let found: Mutex<Option<Box<Failed>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from.saturating_add(seeds) {
                        break;
                    }
                    let plan = Plan::of(seed, STEPS);
                    let report = play(&plan, sabotage);
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    for (what, count) in report.tally {
                        *sum.entry(what).or_default() += count;
                    }
                    drop(sum);
                    if !report.violations.is_empty() {
                        stop.store(true, Ordering::Relaxed);
                        let failed = Failed { plan, violations: report.violations };
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found.get_or_insert(Box::new(failed));
                    }
                }
            });
        }
    });
    match found.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failed) => Err(failed),
        None => Ok(sum.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// What happened too seldom to prove anything, in words. Nothing is asked of fewer than 50 seeds.
#[must_use]
pub fn too_little(tally: &Tally, seeds: u64) -> Vec<String> {
    if seeds < 50 {
        return Vec::new();
    }
    let seldom = LEAST_PER_HUNDRED.iter().filter_map(|(what, least)| {
        let (count, least) = (tally.get(what).copied().unwrap_or(0), least * seeds / 100);
        (count < least).then(|| format!("{what}: {count}, at least {least} were to be"))
    });
    seldom.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_in_which_nothing_happened_says_so() {
        let all: Tally = LEAST_PER_HUNDRED.iter().map(|(what, least)| (*what, *least)).collect();
        assert_eq!(too_little(&all, 100), Vec::<String>::new());
        let mut less = all;
        less.insert("crashes", 99);
        assert_eq!(too_little(&less, 100), ["crashes: 99, at least 100 were to be"]);
        assert_eq!(too_little(&Tally::new(), 100).len(), LEAST_PER_HUNDRED.len());
    }
}
