//! The whole program, run as its users run it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs, open sockets and wait on the real clock"
)]

mod support;
mod capture;
mod collecting;
mod commands;
mod crash;
mod demo;
mod honeypots;
mod polling;
mod refusals;
mod providers;
mod requests;
mod secrets;
mod tokens;
