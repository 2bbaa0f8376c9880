//! The embedded database: the contract that every store keeps, and what is its own.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod commit;
mod conformance;
mod disk;
mod opening;
mod positions;
mod random;
mod support;
mod surviving;
