//! Taking a document's bytes in.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::{fs, io::AsyncWriteExt};

use super::{
    ContentHash, DOCUMENT_BYTES_MAX, Expected, INCOMING, Kept, Mismatch, ReceiveError, Shelf,
    ShelfError, Step, error::disk, make_folder, sync_folder,
};

impl Shelf {
    /// Takes bytes in, and gives word when they are on disk for good. They stay as long as what is
    /// given lives: let it go once the document is committed.
    ///
    /// # Errors
    /// [`ReceiveError`]; nothing of the bytes stays then.
    pub async fn receive<S, E>(
        &self,
        expected: Expected,
        stream: S,
    ) -> Result<Kept, ReceiveError<E>>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: fmt::Display,
    {
        if expected.bytes > DOCUMENT_BYTES_MAX {
            let max = DOCUMENT_BYTES_MAX;
            let mismatch = Mismatch::TooLong { promised: expected.bytes, max };
            return Err(ReceiveError::Refused(mismatch));
        }
        let kept = self.hold(expected.sha256).await;
        let incoming = self.inner.folder.join(INCOMING).join(self.inner.number().to_string());
        let incoming = Incoming { path: incoming, stays: false };
        self.write(&incoming.path, expected, stream).await?;
        self.put(incoming, expected.sha256).await?;
        Ok(kept)
    }

    /// Writes and hashes the bytes, and syncs them.
    async fn write<S, E>(
        &self,
        path: &Path,
        expected: Expected,
        stream: S,
    ) -> Result<(), ReceiveError<E>>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: fmt::Display,
    {
        let promised = expected.bytes;
        self.step(Step::CreateFile).map_err(disk("make", path))?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).await.map_err(disk("make", path))?;
        let (mut hash, mut found) = (Sha256::new(), 0_u64);
        let mut stream = std::pin::pin!(stream);
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(ReceiveError::Stream)?;
            found += bytes.len() as u64;
            if found > u64::from(promised) {
                let mismatch = Mismatch::Longer { promised, at_least: found };
                return Err(ReceiveError::Refused(mismatch));
            }
            hash.update(&bytes);
            self.step(Step::Write).map_err(disk("write", path))?;
            file.write_all(&bytes).await.map_err(disk("write", path))?;
        }
        if found < u64::from(promised) {
            return Err(ReceiveError::Refused(Mismatch::Shorter { promised, found }));
        }
        let (promised, found) = (expected.sha256, ContentHash::finish(hash));
        if found != promised {
            return Err(ReceiveError::Refused(Mismatch::Other { promised, found }));
        }
        file.flush().await.map_err(disk("write", path))?;
        self.step(Step::SyncFile).map_err(disk("sync", path))?;
        file.sync_all().await.map_err(disk("sync", path))?;
        Ok(())
    }

    /// Gives a whole file its name, for good.
    async fn put(&self, incoming: Incoming, sha256: ContentHash) -> Result<(), ShelfError> {
        let path = self.path(sha256);
        let shelf = &self.inner.folder;
        let folder = path.parent().unwrap_or(shelf);
        self.step(Step::MakeFolder).map_err(disk("make the folder", folder))?;
        make_folder(folder).await.map_err(disk("make the folder", folder))?;
        self.step(Step::SyncShelf).map_err(disk("sync the folder", shelf))?;
        sync_folder(shelf).await.map_err(disk("sync the folder", shelf))?;
        self.step(Step::Rename).map_err(disk("rename a file to", &path))?;
        let renamed = fs::rename(&incoming.path, &path).await;
        renamed.map_err(disk("rename a file to", &path))?;
        incoming.has_its_name();
        self.step(Step::SyncFolder).map_err(disk("sync the folder", folder))?;
        sync_folder(folder).await.map_err(disk("sync the folder", folder))
    }
}

/// A file that is not a document yet. It goes when it is dropped, however that comes.
struct Incoming {
    path: PathBuf,
    stays: bool,
}

impl Incoming {
    fn has_its_name(mut self) {
        self.stays = true;
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.stays {
            // What cannot be removed now is removed at the next start.
            let _removed = std::fs::remove_file(&self.path);
        }
    }
}
