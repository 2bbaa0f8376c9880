//! Tasks: durable work beside deliveries.

use tidings_core::{
    delivery::LeaseToken,
    ids::{ApplicationId, TaskId},
    time::Elapsed,
};

use crate::error::TaskLeaseLost;

/// Work that is to be done for an application, such as to collect an account: at most one for each
/// application, kind and key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Whose it is.
    pub application: ApplicationId,
    /// Who does it: `collect`.
    pub kind: String,
    /// What it is about, unique within application and kind: the id of an account.
    pub key: String,
    /// With what it shares the room: of one lane only so many are given out at a time, whoever's
    /// they are. Empty: it needs no room.
    pub lane: String,
    /// What is known of it and how far it has come, as JSON text.
    pub body: String,
    /// When it is due; under a lease, when it was.
    pub due_at: Elapsed,
    /// The end of the lease of the worker that has it; it may be past.
    pub leased_until: Option<Elapsed>,
}

impl Task {
    /// The moment from which a worker may take it.
    #[must_use]
    pub fn next_at(&self) -> Elapsed {
        self.leased_until.unwrap_or(self.due_at)
    }
}

/// A change of a task, within an append.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskChange {
    /// Makes it, or replaces its lane, its body and its due time. A lease on it is void.
    Put {
        /// Whose it is.
        application: ApplicationId,
        /// Who does it.
        kind: String,
        /// What it is about.
        key: String,
        /// With what it shares the room.
        lane: String,
        /// As JSON text.
        body: String,
        /// When it is due.
        due_at: Elapsed,
    },
    /// Takes it away, where it is there. A lease on it is void.
    Remove {
        /// Whose it is.
        application: ApplicationId,
        /// Who does it.
        kind: String,
        /// What it is about.
        key: String,
    },
    /// Its worker writes how far it has come; the lease goes on.
    Keep {
        /// Which.
        task: TaskId,
        /// The worker's right.
        token: LeaseToken,
        /// As JSON text.
        body: String,
    },
    /// Its worker writes how far it has come, and gives the lease back.
    GiveBack {
        /// Which.
        task: TaskId,
        /// The worker's right.
        token: LeaseToken,
        /// With what it shares the room from now on.
        lane: String,
        /// As JSON text.
        body: String,
        /// When it is due again.
        due_at: Elapsed,
    },
    /// Its worker is done: it is taken away.
    Finish {
        /// Which.
        task: TaskId,
        /// The worker's right.
        token: LeaseToken,
    },
}

/// What a worker of tasks asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimTasks {
    /// Of which kind.
    pub kind: String,
    /// How many at most.
    pub permits: usize,
    /// How many of one lane may be under a lease that lasts, with these.
    pub lane_permits: usize,
    /// The end of their leases.
    pub lease_until: Elapsed,
}

/// A task that a worker has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimedTask {
    /// The worker's right.
    pub token: LeaseToken,
    /// The task, leased.
    pub task: Task,
    /// Leases that were given since the last progress ([`TaskChange::Keep`],
    /// [`TaskChange::GiveBack`]) or since it was put, with this one: a task that ends its process
    /// every time is known by it.
    pub claims_count: u32,
}

/// What a claim of tasks came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TaskBatch {
    /// The tasks.
    pub claimed: Vec<ClaimedTask>,
    /// When the next one of the kind becomes due that was not; `None` when nothing waits, but for
    /// permits and room. A hint: it may be early, and a commit may make it later.
    pub next_at: Option<Elapsed>,
}

/// A lease on a task that is to last longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExtendTask {
    /// The worker's right.
    pub token: LeaseToken,
    /// The task.
    pub task: TaskId,
    /// The new end.
    pub expires_at: Elapsed,
}

/// The answer to each item of a batch, in its order.
pub type PerTask = Vec<Result<(), TaskLeaseLost>>;
