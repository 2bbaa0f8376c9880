//! Many seeds, each a world in which everything goes wrong that may.

use tidings_sim::{
    campaign::{STEPS, campaign, too_little},
    ops::Plan,
    world::play,
};

const SEEDS: u64 = 200;

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[test]
fn no_seed_breaks_a_rule_and_enough_happens_in_them() {
    let tally = match campaign(0, SEEDS, threads(), None) {
        Ok(tally) => tally,
        Err(failed) => panic!("{}", failed.explain(None)),
    };
    let seldom = too_little(&tally, SEEDS);
    assert!(seldom.is_empty(), "too little happened to prove anything: {seldom:#?}\n{tally:#?}");
}

#[test]
fn a_seed_plays_the_same_again() {
    for seed in 0..5 {
        let plan = Plan::of(seed, STEPS);
        assert_eq!(plan, Plan::of(seed, STEPS));
        let (once, again) = (play(&plan, None), play(&plan, None));
        assert_eq!(once.tally, again.tally, "seed {seed}");
    }
}
