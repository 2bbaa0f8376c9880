//! What is true, without doing anything: the types and the decisions of Tidings.
//!
//! Nothing here knows a runtime, a file, a socket, a clock or a source of randomness: time comes in
//! as [`time::Now`], chance as a number, and the answer goes out as a value. Modules use those
//! above them in this list.

pub mod access;
pub mod jwt;
pub mod application;
pub mod catalog;
pub mod delivery;
pub mod event;
pub mod health;
pub mod ids;
pub mod limits;
pub mod matching;
pub mod outcome;
pub mod payload;
pub mod retry;
pub mod samples;
pub mod secret;
pub mod signature;
pub mod source;
pub mod time;
pub mod trigger;
pub mod webhook;
