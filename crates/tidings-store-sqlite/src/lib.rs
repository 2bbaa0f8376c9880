//! The embedded database: everything of [`tidings_store::Store`] in one SQLite file.
//!
//!   verb that writes ─► writer (one thread, group commit) ─► ingest │ claim │ record │ catalog │
//! control │ task │ token
//!   verb that reads  ─► readers (a few connections, snapshots) ─► read │ entity
//!   both             ─► row, delivery (what a value looks like in a column)
//!
//! One process has the file ([`OpenError::InUse`] for a second one), so that the writer knows by
//! heart what it would otherwise read: the catalog, the health of endpoints and sources, which
//! webhooks have due work. Nothing is answered before it is synced. After an error of the disk
//! nothing is written until a restart ([`SqliteStore::broken`]); a full disk is waited for.

mod catalog;
mod claim;
mod control;
mod database;
mod delivery;
mod entity;
mod erase;
mod error;
mod ingest;
mod inspect;
mod job;
mod lane;
mod line;
mod lock;
mod migrate;
mod open;
#[cfg(test)]
mod plan;
mod positions;
mod read;
mod readers;
mod record;
mod row;
mod scan;
mod setbacks;
mod shared;
mod state;
mod store;
mod task;
mod token;
mod writer;

pub use database::{Options, SqliteStore};
pub use error::OpenError;
pub use inspect::{
    Check, Migrated, backup, check_integrity, holder, key_id, migrate, schema_version,
};
pub use migrate::SCHEMA_VERSION;
pub use open::{LIBRARY_VERSION_MIN, check_library};
pub use shared::Metrics;
