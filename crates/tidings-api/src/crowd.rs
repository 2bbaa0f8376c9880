//! How many there are at a time: in all, and of one kind.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts those that are there.
#[derive(Debug)]
pub(crate) struct Crowd<K>(Arc<Mutex<Counts<K>>>);

#[derive(Debug)]
struct Counts<K> {
    all: usize,
    by_kind: HashMap<K, usize>,
}

/// The place of one; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Eq + Hash> {
    counts: Arc<Mutex<Counts<K>>>,
    kind: K,
}

/// Why there is no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Full {
    /// There are too many in all.
    InAll,
    /// There are too many of this kind.
    OfKind,
}

impl<K> Default for Crowd<K> {
    fn default() -> Crowd<K> {
        Crowd(Arc::new(Mutex::new(Counts { all: 0, by_kind: HashMap::new() })))
    }
}

impl<K: Eq + Hash + Clone> Crowd<K> {
    /// Lets one more of a kind in, where there is room.
    pub(crate) fn enter(
        &self,
        kind: &K,
        all_max: usize,
        of_kind_max: usize,
    ) -> Result<Place<K>, Full> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= all_max {
            return Err(Full::InAll);
        }
        let own = counts.by_kind.entry(kind.clone()).or_default();
        if *own >= of_kind_max {
            return Err(Full::OfKind);
        }
        *own += 1;
        counts.all += 1;
        Ok(Place { counts: Arc::clone(&self.0), kind: kind.clone() })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        if let Some(own) = counts.by_kind.get_mut(&self.kind) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.by_kind.remove(&self.kind);
            }
        }
    }
}
