//! Documents' bytes for those who may download them.

use tidings_core::access::Principal;
use tidings_store::StoreError;

use crate::{
    domain::{Body, Document, Stored},
    reader::Reader,
    shelf::{Expected, Opened, Shelf, ShelfError},
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
    pub async fn open(&self, sha256: &str, bytes: u32) -> Result<Opened, ShelfError> {
        let sha256 = sha256.parse().map_err(|_| ShelfError::NoHash { text: sha256.to_owned() })?;
        self.shelf.open_document(Expected { sha256, bytes }).await
    }
}

/// Whether a document of the principal's application is there for the principal: the one place
/// that says so.
fn may_download(principal: &Principal, document: &Stored<Document>) -> bool {
    !document.deleted && principal.sees_user(&document.body.user)
}
