//! Which bytes are to be looked at because documents that had them were deleted. A hint: whoever
//! goes through the whole shelf finds them too, later.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use tidings_store::EntityChange;
use tokio::sync::Notify;

use crate::domain::{BYTES_ROLE, Body, Document};

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

    /// Notes the bytes of documents that were deleted by changes that were committed.
    pub(crate) fn note(&self, changes: &[EntityChange]) {
        let deleted = changes.iter().filter(|it| it.deleted && it.kind == Document::KIND);
        let links = deleted.flat_map(|document| &document.links);
        let hashes = links.filter(|link| link.role == BYTES_ROLE).map(|link| &link.id);
        let first = |hash: &String| u8::from_str_radix(hash.get(..2)?, 16).ok();
        let mut firsts = self.firsts.lock().unwrap_or_else(PoisonError::into_inner);
        firsts.extend(hashes.filter_map(first));
        if !firsts.is_empty() {
            self.more.notify_one();
        }
    }
}
