//! Documents in a folder.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use tempfile::TempDir;
use tidings_api::{Documents, DocumentsError, FoundDocument};
use tidings_core::{access::Principal, ids::ApplicationId};
use tokio::fs::File;

/// Documents of applications, by their ids. Their file is called by what stands for their hash.
pub struct FakeShelf {
    folder: TempDir,
    documents: Mutex<HashMap<String, (ApplicationId, FoundDocument)>>,
    /// How often one was opened.
    pub opened: AtomicUsize,
}

impl Default for FakeShelf {
    fn default() -> FakeShelf {
        let folder = tempfile::tempdir().unwrap();
        FakeShelf { folder, documents: Mutex::default(), opened: AtomicUsize::new(0) }
    }
}

impl FakeShelf {
    pub fn put(&self, id: &str, owner: ApplicationId, found: FoundDocument, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(&found.sha256), bytes).unwrap();
        self.documents.lock().unwrap().insert(id.to_owned(), (owner, found));
    }

    pub fn lose(&self, sha256: &str) {
        std::fs::remove_file(self.folder.path().join(sha256)).unwrap();
    }
}

#[async_trait]
impl Documents for FakeShelf {
    async fn find(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<FoundDocument>, DocumentsError> {
        let documents = self.documents.lock().unwrap();
        let found = documents.get(id).filter(|(owner, _)| principal.sees(*owner));
        Ok(found.map(|(_, found)| found.clone()))
    }

    async fn open(&self, found: &FoundDocument) -> Result<File, DocumentsError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let opened = File::open(self.folder.path().join(&found.sha256)).await;
        opened.map_err(|error| DocumentsError::Bytes(error.to_string()))
    }
}
