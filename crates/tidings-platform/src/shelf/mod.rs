//! The bytes of documents: files in a folder beside the database, called by their SHA-256.
//!
//! ```text
//! receive   file in `incoming` ─► written and hashed ─► synced ─► renamed to `ab/cdef…` ─► folder
//!           synced ─► Kept: nobody removes it ─► the document's commit ─► Kept is let go
//! open      `incoming` is emptied: what is in there never became a document
//! ```
//!
//! A file under its hash is whole, at whatever moment the power fails: it is synced before it gets
//! its name. One process has the folder, as one process has the database.

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{fs, sync::Notify};

mod content_hash;
mod error;
mod receive;

pub use content_hash::{ContentHash, ContentHashError};
pub use error::{Mismatch, ReceiveError, ShelfError};

use error::disk;

/// A document, in bytes.
pub const DOCUMENT_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// Where files are until they are whole.
const INCOMING: &str = "incoming";

/// What a document's bytes must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expected {
    /// Their SHA-256.
    pub sha256: ContentHash,
    /// How many there are.
    pub bytes: u32,
}

impl Expected {
    /// Exactly these.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Expected {
        let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Expected { sha256: ContentHash::of(bytes), bytes: count }
    }
}

/// The folder of documents' bytes.
#[derive(Clone)]
pub struct Shelf {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    /// Numbers the incoming files.
    next: AtomicU64,
    uses: Mutex<HashMap<ContentHash, Use>>,
    /// Rung when a removal is over.
    removed: Notify,
    #[cfg(test)]
    steps: tests::Steps,
}

/// What keeps a hash from being used by others.
enum Use {
    /// So many hold it: it stays.
    Held(usize),
    /// It is being removed: wait.
    Removing,
}

/// A moment before which the machine may stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    CreateFile,
    Write,
    SyncFile,
    MakeFolder,
    SyncShelf,
    Rename,
    SyncFolder,
    Remove,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

impl Shelf {
    /// Opens the folder, makes it where it is missing, and clears away what an earlier run had not
    /// received to the end.
    ///
    /// # Errors
    /// [`ShelfError::Disk`].
    pub async fn open(folder: &Path) -> Result<Shelf, ShelfError> {
        let incoming = folder.join(INCOMING);
        make_folder(folder).await.map_err(disk("make the folder", folder))?;
        make_folder(&incoming).await.map_err(disk("make the folder", &incoming))?;
        let emptied = empty(&incoming).await;
        emptied.map_err(disk("clear the folder", &incoming))?;
        sync_folder(folder).await.map_err(disk("sync the folder", folder))?;
        Ok(Shelf {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                next: AtomicU64::new(0),
                uses: Mutex::default(),
                removed: Notify::new(),
                #[cfg(test)]
                steps: tests::Steps::default(),
            }),
        })
    }

    /// Opens a document's bytes, at their beginning.
    ///
    /// # Errors
    /// [`ShelfError`].
    pub async fn open_document(&self, expected: Expected) -> Result<fs::File, ShelfError> {
        let path = self.path(expected.sha256);
        let file = match fs::File::open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ShelfError::Missing { path });
            }
            Err(error) => return Err(disk("open", &path)(error)),
        };
        let found = file.metadata().await.map_err(disk("look at", &path))?.len();
        if found != u64::from(expected.bytes) {
            return Err(ShelfError::Corrupt { path, found, expected: expected.bytes });
        }
        Ok(file)
    }

    /// The hashes on the shelf that begin with this byte: a 256th of all, for whoever looks for
    /// those that no document has any more.
    ///
    /// # Errors
    /// [`ShelfError::Disk`].
    pub async fn hashes(&self, first: u8) -> Result<Vec<ContentHash>, ShelfError> {
        let folder = self.inner.folder.join(format!("{first:02x}"));
        let listed = list(&folder).await.map_err(disk("read the folder", &folder))?;
        let hash = |name: &String| format!("{first:02x}{name}").parse().ok();
        Ok(listed.iter().filter_map(hash).collect())
    }

    /// Removes bytes that no document has any more. Who wants to hold or receive the same waits
    /// meanwhile; while somebody holds them, they stay. `is_unused` is asked when nobody can come
    /// in between. Gives whether they were removed.
    ///
    /// # Errors
    /// [`ShelfError::Disk`].
    pub async fn remove_unused(
        &self,
        sha256: ContentHash,
        is_unused: impl Future<Output = bool>,
    ) -> Result<bool, ShelfError> {
        let Some(_removal) = self.begin_removal(sha256) else { return Ok(false) };
        if !is_unused.await {
            return Ok(false);
        }
        let path = self.path(sha256);
        self.step(Step::Remove).map_err(disk("remove", &path))?;
        match fs::remove_file(&path).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(disk("remove", &path)(error)),
        }
    }

    fn begin_removal(&self, sha256: ContentHash) -> Option<Removal<'_>> {
        let mut uses = self.inner.uses();
        if uses.contains_key(&sha256) {
            return None;
        }
        uses.insert(sha256, Use::Removing);
        Some(Removal { inner: &self.inner, sha256 })
    }

    /// Keeps a hash from being removed; waits while it is.
    async fn hold(&self, sha256: ContentHash) -> Kept {
        loop {
            // Registered before the look, so that a removal that ends between the two is heard.
            let mut removed = std::pin::pin!(self.inner.removed.notified());
            removed.as_mut().enable();
            if self.inner.try_hold(sha256) {
                return Kept { inner: Arc::clone(&self.inner), sha256 };
            }
            removed.await;
        }
    }

    fn path(&self, sha256: ContentHash) -> PathBuf {
        let digits = sha256.to_string();
        let (first, rest) = digits.split_at(2);
        self.inner.folder.join(first).join(rest)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests stop it here")]
    fn step(&self, _: Step) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn step(&self, step: Step) -> io::Result<()> {
        self.inner.steps.pass(step)
    }
}

impl Inner {
    fn uses(&self) -> MutexGuard<'_, HashMap<ContentHash, Use>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_hold(&self, sha256: ContentHash) -> bool {
        match self.uses().entry(sha256).or_insert(Use::Held(0)) {
            Use::Held(count) => {
                *count += 1;
                true
            }
            Use::Removing => false,
        }
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Bytes that stay on the shelf: let it go once the document that has them is committed.
#[must_use = "the bytes may be removed once this is let go"]
pub struct Kept {
    inner: Arc<Inner>,
    sha256: ContentHash,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut uses = self.inner.uses();
        if let Some(Use::Held(count)) = uses.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                uses.remove(&self.sha256);
            }
        }
    }
}

/// A removal that goes on; over when it is dropped.
struct Removal<'a> {
    inner: &'a Inner,
    sha256: ContentHash,
}

impl Drop for Removal<'_> {
    fn drop(&mut self) {
        self.inner.uses().remove(&self.sha256);
        self.inner.removed.notify_waiters();
    }
}

/// Makes a folder that only this program's user can look into.
async fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await
}

async fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder).await?.sync_all().await
}

async fn empty(folder: &Path) -> io::Result<()> {
    for name in list(folder).await? {
        fs::remove_file(folder.join(name)).await?;
    }
    Ok(())
}

/// The names in a folder; none where it is not there.
async fn list(folder: &Path) -> io::Result<Vec<String>> {
    let mut entries = match fs::read_dir(folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
