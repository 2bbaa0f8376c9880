//! The HTTP front door: where events come in, and where people and their programs manage what
//! becomes of them.
//!
//! ```text
//! serve ─► router ─┬─ ingest ─► EventInput ─► match ─► Ingest::append (one durable commit) ─► 202
//!                  ├─ graphql_http ─► executor of the one schema ─► graphql (management)
//!                  │                                              └► the platform's objects
//!                  ├─ document ─► Documents ─► bytes from disk
//!                  ├─ status ─► Progress
//!                  ├─ web (the Explorer's page and its files)
//!                  └─ schema, health, readiness, metrics
//! auth says who asks, problem what is answered when the answer is no.
//! ```
//!
//! Nothing here opens a connection: a test delivery is an ordinary one that is flagged. Modules use
//! those above them.

pub mod problem;
mod crowd;
mod gate;
mod tag_salt;
pub mod state;
mod jwt;
pub mod auth;
mod known;
mod gzip;
mod json;
mod body;
mod event_input;
mod ingest;
mod document;
mod status;
pub mod webhook_input;
mod provision;
pub mod graphql;
pub mod graphql_http;
mod web;
pub mod router;
mod framing;
mod stall;
pub mod serve;

pub use document::{Documents, DocumentsError, FoundDocument};
pub use graphql::{ManagementMutation, ManagementQuery};
pub use graphql_http::Executor;
pub use jwt::{Subject, Subjects};
pub use router::router;
pub use serve::{ServeLimits, serve};
pub use state::{Api, FetchKeySet, Metrics, Parts, Readiness, Settings, UrlPolicy};
pub use status::{AccountProgress, Progress};
