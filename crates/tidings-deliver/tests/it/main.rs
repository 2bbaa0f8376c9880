//! The engine on the store in memory, with a clock that is moved by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod isolation;
mod patience;
mod stopped;
mod world;
