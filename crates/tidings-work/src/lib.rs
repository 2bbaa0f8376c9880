//! The loop that all leased work shares: wait, claim exactly what there is room for, perform,
//! drain.
//!
//! ```text
//!   wait (a wake-up, the next due time, the backstop) ─► claim(free permits) ─► perform, each in
//!    ▲                                                                           │  its own task
//!    └────────────────────────────────────────── a permit is free again ─────────┘
//! ```
//!
//! The row is the truth and a wake-up is a hint: nothing is lost when one is, since the loop also
//! looks by itself.

mod permits;
mod worker;

pub use permits::{Permit, Permits};
pub use worker::{Found, Work, Worker};
