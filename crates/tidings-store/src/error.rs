//! What stops a store. One variant for each way in which a caller reacts.

use tidings_core::ids::{DeliveryId, TaskId};

/// What stops a read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be used at present: wait, then try again.
    #[error("{operation}: the database cannot be used: {cause}")]
    Unavailable {
        /// The verb.
        operation: &'static str,
        /// What the database said.
        cause: String,
    },
    /// A commit was sent and its answer was lost: neither done nor failed. Resolve it by reading,
    /// or by the idempotency key.
    #[error("{operation}: the database did not say whether the commit was made: {cause}")]
    Unknown {
        /// The verb.
        operation: &'static str,
        /// What the database said.
        cause: String,
    },
    /// What is stored cannot be read: nothing that retrying would mend.
    #[error("{operation}: what is stored in {what} cannot be read: {cause}")]
    Corrupt {
        /// The verb.
        operation: &'static str,
        /// The table and id.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// What stops a write that a person asked for.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is nothing with this id, or it was deleted.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The name is taken.
    #[error("there is a {what} `{id}` already")]
    Taken {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// It was changed since it was read: read it again.
    #[error("the {what} `{id}` was changed by someone else at the same moment")]
    Stale {
        /// What kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// What it told of was deleted, or consent for it was withdrawn: it is not sent again.
    #[error("the {what} `{id}` tells of what was deleted, or of what consent was withdrawn for")]
    Erased {
        /// What kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A bound of [`tidings_core::limits`] would be passed.
    #[error("{detail}")]
    Full {
        /// Which, and what to do.
        detail: String,
    },
    /// What stops us.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What stops an append. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The catalog that the events were matched against is not the present one: match again.
    #[error("the catalog changed while the events were matched")]
    StaleCatalog,
    /// The idempotency key of the event at this index was used for other content.
    #[error("the idempotency key of event {index} was used for another event")]
    IdempotencyConflict {
        /// The event's place in the append.
        index: usize,
    },
    /// An entity was changed, or added, by someone else since it was read.
    #[error("the {kind} `{id}` was changed by someone else at the same moment")]
    EntityConflict {
        /// The entity's kind.
        kind: String,
        /// Its id.
        id: String,
    },
    /// The task was taken away or changed, or another worker has it: what was done for it is not
    /// wanted.
    #[error("the lease on task {task} was lost")]
    LeaseLost {
        /// The task.
        task: TaskId,
    },
    /// There is a token of this text already: make another.
    #[error("token {index} of the append is there already")]
    TokenTaken {
        /// The token's place in the append.
        index: usize,
    },
    /// What stops us.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A lease that is not the delivery's present one: someone else has it, and the result is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the lease on {delivery} was lost to another worker")]
pub struct LeaseLost {
    /// The delivery.
    pub delivery: DeliveryId,
}

/// A lease that is not the task's present one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the lease on task {task} was lost")]
pub struct TaskLeaseLost {
    /// The task.
    pub task: TaskId,
}
