//! Deliveries: claimed, rendered, frozen, signed, sent and recorded.
//!
//! ```text
//!   append ──► newborn ──┐
//!                        ├─► attempt ─► render ─► freeze ─► sign ─► post ─► decide ─► record
//!   claim_due ───────────┘
//! ```
//!
//! [`attempt`] is the story of one attempt: read it from top to bottom. Nothing here knows a
//! database or opens a socket.

mod metrics;
mod fairness;
mod leases;
mod sender;
mod shared_runs;
mod prepared;
mod persist;
mod wanted;
pub mod attempt;
mod mending;
mod dispatcher;

pub use dispatcher::{Deliver, Options, Parts};
pub use metrics::{DeliverMetrics, DurationCounts};
pub use sender::{EgressSender, Post, Posted, Sender};
