//! A document that a provider keeps for an account, such as a bill.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use tidings_core::time::Wall;
use tidings_graphql::Thing;
use tidings_store::Link;

use super::stored::{ACCOUNT_ROLE, Body, USER_ROLE, link};

/// What is known of a document; its bytes are kept elsewhere, under their hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Document {
    /// The id of its account.
    pub account: String,
    /// The id of the user who holds the account.
    pub user: String,
    /// The provider's own name of it, by which it is known again. Not shown.
    pub provider_key: String,
    /// What it is.
    #[serde(rename = "type")]
    pub document_type: DocumentType,
    /// What people call it.
    pub title: String,
    /// The date that it bears.
    pub date: Wall,
    /// Its media type, as in `application/pdf`.
    pub media_type: String,
    /// How long it is.
    pub bytes: u32,
    /// The SHA-256 of its bytes, in 64 digits of 0-9 and a-f.
    pub sha256: String,
    /// When it was collected.
    pub added_at: Wall,
}

impl Body for Document {
    const KIND: &'static str = "Document";
    const THING: Thing = Thing::Document;

    fn links(&self) -> Vec<Link> {
        vec![
            link(USER_ROLE, &self.user),
            link(ACCOUNT_ROLE, &self.account),
            link(BYTES_ROLE, &self.sha256),
        ]
    }

    fn user(&self) -> Option<&str> {
        Some(&self.user)
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account)
    }
}

/// The role of the link from a document to the hash of its bytes.
pub const BYTES_ROLE: &str = "bytes";

/// What a document is.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentType {
    /// A bill.
    Bill,
    /// A statement of account.
    Statement,
    /// A contract.
    Contract,
    /// A letter.
    Letter,
    /// Anything else.
    Other,
}
