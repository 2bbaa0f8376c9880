//! The test of the tester: each planted bug is found, and soon.

use tidings_sim::{campaign::campaign, sabotage::Sabotage, shrink::shrink};

/// Seeds in which a bug must show itself.
const SEEDS_MAX: u64 = 80;

fn check(bugs: &[Sabotage]) {
    for bug in bugs {
        let found = campaign(0, SEEDS_MAX, 1, Some(*bug));
        assert!(found.is_err(), "{bug:?} was not found in {SEEDS_MAX} seeds");
    }
}

#[test]
fn bugs_of_the_front_door_are_found() {
    check(&[Sabotage::AcknowledgeBeforeCommit, Sabotage::ForgetOneWebhook]);
}

#[test]
fn bugs_of_leases_are_found() {
    check(&[Sabotage::IgnoreLeaseToken, Sabotage::GiveLeasedAgain, Sabotage::GiveTooEarly]);
}

#[test]
fn bugs_of_what_is_written_and_sent_are_found() {
    check(&[
        Sabotage::ForgetRecord,
        Sabotage::SkipFreeze,
        Sabotage::ChangeBytesOnRetry,
        Sabotage::SignOtherBytes,
    ]);
}

#[test]
fn bugs_of_the_schedule_are_found() {
    check(&[
        Sabotage::RetryAtOnce,
        Sabotage::ExhaustOnOutage,
        Sabotage::GiveUpEarly,
        Sabotage::RetryForEver,
    ]);
}

#[test]
fn a_lost_wake_up_is_found() {
    check(&[Sabotage::LoseWakeUps]);
}

#[test]
fn every_bug_is_looked_for() {
    // The lists above, together.
    assert_eq!(Sabotage::ALL.len(), 2 + 3 + 4 + 4 + 1);
}

#[test]
fn a_failure_is_shrunk_to_the_few_steps_that_it_needs() {
    let bug = Some(Sabotage::ForgetOneWebhook);
    let failed = campaign(0, SEEDS_MAX, 1, bug).expect_err("it is found at once");
    let shrunk = shrink(&failed.plan, failed.violations[0].rule, bug);
    assert!(shrunk.ops.len() <= 2, "{:#?}", shrunk.ops);
    assert!(failed.explain(bug).contains(&format!("--from {}", failed.plan.seed)));
}
