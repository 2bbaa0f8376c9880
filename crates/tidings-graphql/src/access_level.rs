//! How far an account is looked into: what applications are allowed, and what users agree to.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use tidings_core::application;

/// How far the platform may look into an account. It only ever reads.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(remote = "application::AccessLevel")]
pub enum AccessLevel {
    /// What is known of the current provisions, as fast as possible; no documents.
    QuickCheck,
    /// The provisions and all documents that can be seen, once.
    FullCheck,
    /// The same, and again and again what is new.
    FullCheckOngoing,
}
