//! What the platform asks of adapters, however it reaches them.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::protocol::{
    CheckAnswer, CollectAnswer, Credential, Description, DocumentAnswer, QuickCheckAnswer,
};

/// Speaks to adapters. `url` is a provider's `adapterUrl`.
#[async_trait]
pub trait Adapters: Send + Sync {
    /// Whether such a URL can be asked at all, without asking it: the error is for the operator
    /// who wrote it.
    ///
    /// # Errors
    /// What is wrong with the URL, and what to write instead.
    fn check_url(&self, url: &str) -> Result<(), String>;

    /// What the adapter is.
    ///
    /// # Errors
    /// [`AdapterTrouble`].
    async fn describe(&self, url: &str) -> Result<Description, AdapterTrouble>;

    /// Whether credentials are right.
    ///
    /// # Errors
    /// [`AdapterTrouble`].
    async fn check(
        &self,
        url: &str,
        credentials: &[Credential],
    ) -> Result<CheckAnswer, AdapterTrouble>;

    /// What there is at present, without documents.
    ///
    /// # Errors
    /// [`AdapterTrouble`].
    async fn quick_check(
        &self,
        url: &str,
        credentials: &[Credential],
    ) -> Result<QuickCheckAnswer, AdapterTrouble>;

    /// A page of all that there is since the cursor.
    ///
    /// # Errors
    /// [`AdapterTrouble`].
    async fn collect(
        &self,
        url: &str,
        credentials: &[Credential],
        cursor: Option<&str>,
    ) -> Result<CollectAnswer, AdapterTrouble>;

    /// The bytes of a document.
    ///
    /// # Errors
    /// [`AdapterTrouble`].
    async fn document(
        &self,
        url: &str,
        credentials: &[Credential],
        key: &str,
    ) -> Result<Fetched, AdapterTrouble>;
}

/// What the question for a document came to.
pub enum Fetched {
    /// Its bytes as they come.
    Bytes(BoxStream<'static, Result<Bytes, AdapterTrouble>>),
    /// Why there are none.
    Told(DocumentAnswer),
}

/// An adapter that gave no answer that can be used. It is tried again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdapterTrouble {
    /// What happened, for the operator: it holds nothing of what was sent.
    pub why: String,
    /// How long the adapter asks us to wait.
    pub retry_after_ms: Option<u64>,
}

impl AdapterTrouble {
    /// Trouble without a wish.
    #[must_use]
    pub fn of(why: impl fmt::Display) -> AdapterTrouble {
        AdapterTrouble { why: why.to_string(), retry_after_ms: None }
    }
}

impl fmt::Display for AdapterTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
