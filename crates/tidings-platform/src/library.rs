//! Documents' bytes: for those who may download them, and gone once no document has them.

use tidings_core::access::Principal;
use tidings_graphql::PageArguments;
use tidings_store::StoreError;
use tokio::fs::File;

use crate::{
    domain::{BYTES_ROLE, Body, Document, Stored},
    reader::{Hanging, Reader, Tombstones},
    shelf::{ContentHash, Expected, Shelf, ShelfError},
};

/// What is read and the bytes of it.
#[derive(Clone, Debug)]
pub struct Library {
    reader: Reader,
    shelf: Shelf,
}

impl Library {
    /// The documents that this reader reads, with their bytes on this shelf.
    #[must_use]
    pub fn new(reader: Reader, shelf: Shelf) -> Library {
        Library { reader, shelf }
    }

    /// The document with this id that the principal may download; `None` alike for one that is
    /// not there, that is somebody else's, and that was deleted. The scope is for the caller to
    /// check.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn find(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        let application = match principal.application() {
            Some(application) => application,
            None => match self.reader.owners(Document::KIND, id).await?[..] {
                [owner] => owner,
                _ => return Ok(None),
            },
        };
        let found = self.reader.one::<Document>(Some(application), id).await?;
        Ok(found.filter(|document| may_download(principal, document)).map(|found| found.body))
    }

    /// Opens the bytes of a document that was found.
    ///
    /// # Errors
    /// [`ShelfError`].
    pub async fn open(&self, sha256: &str, bytes: u32) -> Result<File, ShelfError> {
        let sha256 = sha256.parse().map_err(|_| ShelfError::NoHash { text: sha256.to_owned() })?;
        self.shelf.open_document(Expected { sha256, bytes }).await
    }
}

impl Library {
    /// Removes the bytes whose hash begins with this byte and that no document has any more:
    /// somebody deleted them, or withdrew the consent. Gives how many were removed.
    ///
    /// # Errors
    /// [`SweepError`].
    pub async fn remove_unused(&self, first: u8) -> Result<usize, SweepError> {
        let hashes = self.shelf.hashes(first).await?;
        let mut removed = 0;
        for sha256 in self.unused(hashes).await? {
            // Asked once more, where nobody can come in between.
            let is_unused = async { self.unused(vec![sha256]).await.is_ok_and(|it| it.len() == 1) };
            removed += usize::from(self.shelf.remove_unused(sha256, is_unused).await?);
        }
        Ok(removed)
    }

    /// Those of the hashes that no document has.
    async fn unused(&self, hashes: Vec<ContentHash>) -> Result<Vec<ContentHash>, StoreError> {
        let mut unused = hashes;
        for application in self.reader.applications().await? {
            if unused.is_empty() {
                break;
            }
            let hanging = Hanging {
                application,
                role: BYTES_ROLE.to_owned(),
                targets: unused.iter().map(ToString::to_string).collect(),
                tombstones: Tombstones::LeftOut,
                page: PageArguments { first: 1, after: None },
                entities_max: usize::MAX,
            };
            let found = self.reader.hanging_on::<Document>(hanging).await?.unwrap_or_default();
            unused.retain(|hash| found.get(&hash.to_string()).is_none_or(|it| it.items.is_empty()));
        }
        Ok(unused)
    }
}

/// What stops the removal of bytes.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The shelf is at fault.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
}

/// Whether a document of the principal's application is there for the principal: the one place
/// that says so.
fn may_download(principal: &Principal, document: &Stored<Document>) -> bool {
    !document.deleted && principal.sees_user(&document.body.user)
}
