//! The platform's documents, as the front door wants them.

use async_trait::async_trait;
use tidings_api::{Documents, DocumentsError, FoundDocument};
use tidings_core::access::Principal;
use tidings_platform::Library;
use tokio::fs::File;

/// Who may download what is the platform's to say.
#[derive(Debug)]
pub struct Downloads(pub Library);

#[async_trait]
impl Documents for Downloads {
    async fn find(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<FoundDocument>, DocumentsError> {
        let found = self.0.find(principal, id).await?;
        Ok(found.map(|document| FoundDocument {
            title: document.title,
            media_type: document.media_type,
            bytes: document.bytes,
            sha256: document.sha256,
        }))
    }

    async fn open(&self, found: &FoundDocument) -> Result<File, DocumentsError> {
        let opened = self.0.open(&found.sha256, found.bytes).await;
        opened.map_err(|error| DocumentsError::Bytes(error.to_string()))
    }
}
