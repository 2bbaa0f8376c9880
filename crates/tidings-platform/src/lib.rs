//! The built-in platform: end users, what they hold with providers, and what became of it, with a
//! GraphQL API of its own.
//!
//! ```text
//! API ─► schema ─┬─ queries ───► reader ─► store
//!                └─ mutations ─► writer ─► ingest (entity, event and deliveries in one commit)
//! user     ─► link (Auth Link's pages and tokens) ─► writer, adapters
//! delivery ─► source ─► the queries alone, with an application's rights ─► reader ─► store
//! ```
//!
//! Modules use those above them in this list. `writer` and `collect` use each other: what links an
//! account sets its collection to work, and what was collected is written.

pub mod shelf;
pub mod domain;
pub mod triggers;
pub mod reader;
mod library;
mod progress;
mod freed;
pub mod writer;
pub mod collect;
pub mod schema;
mod parsed_queries;
pub mod source;
pub mod sample;
pub mod link;

pub use freed::Freed;
pub use library::{Library, SweepError};
pub use progress::{AccountProgress, Progress};
pub use reader::Reader;
pub use schema::{PlatformMutation, PlatformQuery};
pub use source::PlatformSource;
pub use triggers::{PublicOrigin, source_info};
pub use writer::Writer;
