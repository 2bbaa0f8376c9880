//! Which bytes are to be looked at because documents that had them were deleted. A hint: whoever
//! goes through the whole shelf finds them too, later.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use tidings_store::EntityChange;
use tokio::sync::Notify;

use crate::{
    domain::{BYTES_ROLE, Body, Document},
    shelf::ContentHash,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Freed {
    /// First bytes of hashes: there are 256 of them, however much is deleted.
    firsts: Mutex<BTreeSet<u8>>,
    more: Notify,
}

impl Freed {
    /// The first byte of hashes that are to be looked at, as soon as there is one.
    pub async fn next(&self) -> u8 {
        loop {
            let first = self.firsts.lock().unwrap_or_else(PoisonError::into_inner).pop_first();
            match first {
                Some(first) => return first,
                None => self.more.notified().await,
            }
        }
    }

    /// Notes the bytes that were received for a document, unless it is committed.
    pub(crate) fn unless_kept(self: Arc<Self>, hash: ContentHash) -> Unkept {
        Unkept { freed: self, first: hash.first(), kept: false }
    }

    /// Notes the bytes of documents that were deleted by changes that were committed.
    pub(crate) fn note(&self, changes: &[EntityChange]) {
        let deleted = changes.iter().filter(|it| it.deleted && it.kind == Document::KIND);
        let links = deleted.flat_map(|document| &document.links);
        let hashes = links.filter(|link| link.role == BYTES_ROLE).map(|link| &link.id);
        let first = |hash: &String| u8::from_str_radix(hash.get(..2)?, 16).ok();
        self.add(hashes.filter_map(first));
    }

    fn add(&self, more: impl Iterator<Item = u8>) {
        let mut firsts = self.firsts.lock().unwrap_or_else(PoisonError::into_inner);
        firsts.extend(more);
        if !firsts.is_empty() {
            self.more.notify_one();
        }
    }
}

/// Bytes that no document has yet. When this is dropped, they are looked at.
pub(crate) struct Unkept {
    freed: Arc<Freed>,
    first: u8,
    kept: bool,
}

impl Unkept {
    /// A document has them.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Unkept {
    fn drop(&mut self) {
        if !self.kept {
            self.freed.add(std::iter::once(self.first));
        }
    }
}
