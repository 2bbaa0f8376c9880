//! From a plan that fails to a shorter one that fails in the same way.

use crate::{ops::Plan, sabotage::Sabotage, world::play};

/// Runs that are spent on one failure.
const RUNS_MAX: usize = 300;

/// The shortest plan that was found in which the rule is still broken: whole halves are left out,
/// then quarters, down to single steps.
#[must_use]
pub fn shrink(plan: &Plan, rule: &str, sabotage: Option<Sabotage>) -> Plan {
    let mut best = plan.clone();
    let mut runs_left = RUNS_MAX;
    let mut size = best.ops.len().div_ceil(2);
    while size > 0 && runs_left > 0 {
        let mut from = 0;
        let mut left_out = false;
        while from < best.ops.len() && runs_left > 0 {
            let mut shorter = best.clone();
            shorter.ops.drain(from..(from + size).min(best.ops.len()));
            runs_left -= 1;
            if play(&shorter, sabotage).violations.iter().any(|it| it.rule == rule) {
                best = shorter;
                left_out = true;
            } else {
                from += size;
            }
        }
        if !left_out {
            size /= 2;
        }
    }
    best
}
