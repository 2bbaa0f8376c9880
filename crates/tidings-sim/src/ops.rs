//! What may happen in the world, and plans of it that a seed decides. A plan is a plain list, so
//! that a failure can be shrunk to the few steps that it needs.

use tidings_core::time::{MINUTE_MS, SECOND_MS};

use crate::{endpoints::Behaviour, faults::Trouble, source::SourceMode};

/// Receivers in the world.
pub const HOSTS: usize = 4;
/// Triggers in the world.
pub const TRIGGERS: [&str; 3] = ["ThingAdded", "AccountAdded", "AccountUpdated"];

/// One step. Numbers that choose among things are taken modulo how many there are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// Events come in.
    Fire {
        /// Of which trigger.
        trigger: usize,
        /// How many.
        count: usize,
        /// Whether each is sent twice at once, under one idempotency key.
        twice: bool,
    },
    /// Time passes.
    Pass {
        /// How much.
        ms: u64,
    },
    /// A receiver changes its ways.
    Endpoint {
        /// Which.
        host: usize,
        /// To what.
        behaviour: Behaviour,
    },
    /// The source changes its ways.
    Source(SourceMode),
    /// The database changes its ways.
    Database(Trouble),
    /// A process ends in the middle of what it does, and another starts.
    Crash {
        /// Which.
        process: usize,
    },
    /// A process is told to end, and another starts.
    Drain {
        /// Which.
        process: usize,
        /// How long its attempts may take.
        grace_ms: u64,
    },
    /// A process stands still.
    StandStill {
        /// Which.
        process: usize,
        /// How long.
        ms: u64,
    },
    /// A person pauses a webhook.
    Pause(usize),
    /// A person resumes a webhook.
    Resume(usize),
    /// A person deletes a webhook.
    Delete(usize),
    /// A person adds a webhook.
    Add,
    /// A person gives a webhook another url.
    Move(usize),
    /// A person replays a delivery.
    Replay {
        /// Which.
        nth: usize,
        /// Whether the query is to run again.
        fresh: bool,
    },
    /// A person replays all that was exhausted.
    ReplayExhausted,
    /// A person cancels a delivery.
    Cancel(usize),
    /// The wall clock jumps.
    JumpWall {
        /// How far.
        hours: i64,
    },
}

/// What happens in one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Decides all else: how long things take, jitter, ids.
    pub seed: u64,
    /// How many processes work on the store.
    pub processes: usize,
    /// How many attempts each makes at a time.
    pub attempts_max: usize,
    /// Whether blocked webhooks are resumed at the end.
    pub resume_at_end: bool,
    /// The steps.
    pub ops: Vec<Op>,
}

impl Plan {
    /// The plan of this seed.
    #[must_use]
    pub fn of(seed: u64, steps: usize) -> Plan {
        let mut chance = fastrand::Rng::with_seed(seed);
        Plan {
            seed,
            processes: chance.usize(1..=3),
            attempts_max: [2, 8, 64][chance.usize(..3)],
            resume_at_end: chance.bool(),
            ops: (0..steps).map(|_| op(&mut chance)).collect(),
        }
    }
}

fn op(chance: &mut fastrand::Rng) -> Op {
    let (which, process) = (chance.usize(..64), chance.usize(..8));
    match chance.u32(..100) {
        0..22 => Op::Fire {
            trigger: chance.usize(..TRIGGERS.len()),
            count: chance.usize(1..=6),
            twice: chance.u32(..4) == 0,
        },
        22..48 => Op::Pass { ms: pass_ms(chance) },
        48..60 => Op::Endpoint { host: which, behaviour: behaviour(chance) },
        60..66 => Op::Source(source(chance)),
        66..71 => Op::Database([Trouble::NONE, Trouble::ROUGH, Trouble::AWAY][chance.usize(..3)]),
        71..76 => Op::Crash { process },
        76..79 => Op::Drain { process, grace_ms: chance.u64(..20_000) },
        79..81 => Op::StandStill { process, ms: chance.u64(1_000..200_000) },
        81..83 => Op::Pause(which),
        83..87 => Op::Resume(which),
        87 => Op::Delete(which),
        88 => Op::Add,
        89..91 => Op::Move(which),
        91..95 => Op::Replay { nth: which, fresh: chance.bool() },
        95 => Op::ReplayExhausted,
        96..98 => Op::Cancel(which),
        _ => Op::JumpWall { hours: [-73, -1, 1, 73][chance.usize(..4)] },
    }
}

fn pass_ms(chance: &mut fastrand::Rng) -> u64 {
    match chance.u32(..10) {
        0..4 => chance.u64(1..2 * SECOND_MS),
        4..8 => chance.u64(SECOND_MS..90 * SECOND_MS),
        8 => chance.u64(MINUTE_MS..10 * MINUTE_MS),
        _ => chance.u64(10 * MINUTE_MS..25 * MINUTE_MS),
    }
}

fn behaviour(chance: &mut fastrand::Rng) -> Behaviour {
    match chance.u32(..12) {
        0..3 => Behaviour::fine(),
        3..5 => Behaviour::status([500, 404, 301, 201, 502][chance.usize(..5)]),
        5 => Behaviour::Flaky { percent: 50, after_ms: chance.u64(..2_000) },
        6 => Behaviour::asks_to_wait(
            [429, 503][chance.usize(..2)],
            ["1", "90", "soon"][chance.usize(..3)],
        ),
        7 => Behaviour::Answers { status: 200, retry_after: None, after_ms: chance.u64(..40_000) },
        8 => Behaviour::Hangs,
        9 => Behaviour::Refuses,
        10 => [Behaviour::Breaks, Behaviour::NoSocket][chance.usize(..2)].clone(),
        _ => Behaviour::status(410),
    }
}

fn source(chance: &mut fastrand::Rng) -> SourceMode {
    match chance.u32(..8) {
        0..3 => SourceMode::Answers { after_ms: chance.u64(..3_000) },
        3 => SourceMode::Flaky { percent: 40 },
        4..6 => SourceMode::Down { wait_ms: [None, Some(20_000)][chance.usize(..2)] },
        _ => SourceMode::Errors {
            code: ["DROPPED", "HELD", "OTHER"][chance.usize(..3)].to_owned(),
            with_data: chance.bool(),
        },
    }
}
