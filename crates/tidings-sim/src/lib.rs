//! The machine that tries to break the engine.
//!
//! ```text
//!   seed ─► plan (ops) ─► world: the real engine on the store in memory
//!                           │    with faults, a moved clock, receivers and a source;
//!                           │    watched by the witness at each commit, by the checks at each step
//!                           └─► violations ─► shrink ─► seed and the few steps that it takes
//! ```
//!
//! The parts of the world ([`stage::Stage`]) are also what the tests of the engine play on by hand.

pub mod executor;
pub mod schedule;
pub mod witness;
pub mod endpoints;
pub mod source;
pub mod faults;
pub mod sabotage;
mod through;
pub mod process;
pub mod stage;
pub mod ops;
mod client;
mod checks;
pub mod world;
pub mod shrink;
pub mod campaign;
