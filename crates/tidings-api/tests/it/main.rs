//! The front door, asked in process: the router over a store in memory, a source that answers at
//! once, and a clock that the test moves. `server` alone opens a socket, on loopback.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod applications;
mod deliveries;
mod documents;
mod door;
mod errors;
mod events;
mod access;
mod explorer;
mod isolation;
mod management;
mod polling;
mod schema;
mod secrets;
mod server;
mod status;
mod support;
mod jwts;
mod jwt_profiles;
mod tokens;
mod urls;
mod webhooks;
