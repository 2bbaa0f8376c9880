//! What goes wrong with the shelf, in words that name the path and the remedy.

use std::{fmt, io, path::Path, path::PathBuf};

use super::ContentHash;

/// The shelf cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The disk refuses.
    #[error("cannot {doing} {}: {source}: {}", path.display(), remedy(source))]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is stored of a document is not a hash.
    #[error("`{text}` is stored as a document's SHA-256, and is none: restore a backup")]
    NoHash {
        /// What is stored.
        text: String,
    },
    /// A document's bytes are not there.
    #[error(
        "the document's file {} is missing: restore the folder from a backup, or have the \
         account's consent withdrawn and link it anew",
        path.display()
    )]
    Missing {
        /// Where they should be.
        path: PathBuf,
    },
    /// A document's bytes are others than those that were put there.
    #[error(
        "the document's file {} has {found} bytes and should have {expected}: restore it from a \
         backup, or have the account's consent withdrawn and link it anew",
        path.display()
    )]
    Corrupt {
        /// Where they are.
        path: PathBuf,
        /// How many there are.
        found: u64,
        /// How many there should be.
        expected: u32,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on that disk, it goes on by itself"
        }
        io::ErrorKind::ReadOnlyFilesystem => "mount the file system for writing",
        io::ErrorKind::PermissionDenied => "give the user of this program the right to it",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "move away what is there: it must be a folder of this program's"
        }
        _ => "see to the disk and to the folder",
    }
}

/// Makes a [`ShelfError::Disk`] of what the system says.
pub(super) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ShelfError {
    let path = path.to_owned();
    move |source| ShelfError::Disk { doing, path, source }
}

/// Bytes were not taken in. Nothing of them stays.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError<E: fmt::Display> {
    /// Who sends them stopped.
    #[error("the bytes stopped coming: {0}")]
    Stream(E),
    /// They are not those that were promised.
    #[error("the bytes are not those that were promised: {0}")]
    Refused(Mismatch),
    /// The shelf is at fault.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
}

/// How bytes differ from those that were promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Mismatch {
    /// More than may be.
    #[error("{promised} bytes were promised: at most {max} are kept")]
    TooLong {
        /// How many were promised.
        promised: u32,
        /// How many may be.
        max: u32,
    },
    /// Not as many.
    #[error("{promised} bytes were promised, and {at_least} came or more")]
    Longer {
        /// How many were promised.
        promised: u32,
        /// How many had come when it was noticed.
        at_least: u64,
    },
    /// Fewer.
    #[error("{promised} bytes were promised, and {found} came")]
    Shorter {
        /// How many were promised.
        promised: u32,
        /// How many came.
        found: u64,
    },
    /// As many, and others.
    #[error("the SHA-256 {promised} was promised, and {found} came")]
    Other {
        /// What was promised.
        promised: ContentHash,
        /// What came.
        found: ContentHash,
    },
}
