//! What goes into the store and comes out of it.

pub mod append;
pub mod work;
pub mod command;
pub mod read;
pub mod task;

pub use crate::error::{LeaseLost, TaskLeaseLost};
pub use append::{
    Append, Appended, AppendedEvent, Emptied, EntityChange, EntityExpectation, Erasure,
    Idempotency, Link, NewEvent, Room,
};
pub use command::{NewApplication, NewToken, Notice, NoticeKind, Replay, Revocation};
pub use read::{
    DeliveryFilter, DeliveryView, Entity, EntityQuery, EventFilter, LinkedQuery, Page, Paged,
    ShownState, Stats, WebhookBacklog, WebhookFilter, WebhookStatus,
};
pub use task::{ClaimTasks, ClaimedTask, ExtendTask, PerTask, Task, TaskBatch, TaskChange};
pub use work::{
    Claim, Claimed, ClaimedBatch, Extend, Freeze, MadeAttempt, PerItem, Record, SourceSeen,
};
