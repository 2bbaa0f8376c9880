//! How much may be done at a time, and the wish to be told when there is room again.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// A fixed number of permits.
#[derive(Clone, Debug)]
pub struct Permits {
    semaphore: Arc<Semaphore>,
    freed: Arc<Notify>,
}

/// The right to do one thing; given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    held: Option<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

impl Permits {
    /// So many permits.
    #[must_use]
    pub fn new(count: usize) -> Permits {
        Permits { semaphore: Arc::new(Semaphore::new(count)), freed: Arc::new(Notify::new()) }
    }

    /// How many are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// Takes as many as are free, `count` at most.
    #[must_use]
    pub fn take(&self, count: usize) -> Vec<Permit> {
        let mut taken = Vec::with_capacity(count.min(self.free()));
        while taken.len() < count {
            let Ok(held) = Arc::clone(&self.semaphore).try_acquire_owned() else { break };
            taken.push(Permit { held: Some(held), freed: Arc::clone(&self.freed) });
        }
        taken
    }

    /// One beyond the number.
    #[must_use]
    pub fn beyond(&self) -> Permit {
        Permit { held: None, freed: Arc::clone(&self.freed) }
    }

    /// Returns when a permit was given back since the last call.
    pub async fn freed(&self) {
        self.freed.notified().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // Given back before anyone is told of it: who wakes up must find it.
        self.held.take();
        self.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_permit_finds_it() {
        let permits = Permits::new(2);
        let mut taken = permits.take(5);
        assert_eq!((taken.len(), permits.free()), (2, 0));
        taken.pop();
        permits.freed().await;
        assert_eq!(permits.free(), 1);
    }
}
