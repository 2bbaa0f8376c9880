//! The machine at work, and the engine on the machine's stage: 72 hours second by second, in no
//! time.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod play;
mod seeds;
mod planted;
mod schedule;
mod source;
mod receivers;
mod crowds;
mod process;
