//! The collector of the platform, as the program runs it.

use std::sync::Arc;

use tidings_core::{secret::Vault, time::Elapsed};
use tidings_platform::{
    collect::{
        adapter::Adapters,
        collector::{COLLECTED_AT_A_TIME, Collector, CollectorParts},
    },
    shelf::Shelf,
    writer::Writer,
};
use tidings_store::{Chance, Clock, Store};
use tidings_work::Worker;

/// A collector at work.
pub struct Collecting {
    worker: Arc<Worker<Collector>>,
}

impl Collecting {
    /// Sets a collector to work.
    pub fn start(
        store: Arc<dyn Store>,
        writer: Writer,
        shelf: Shelf,
        adapters: Arc<dyn Adapters>,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Collecting {
        let parts = CollectorParts {
            store,
            writer,
            shelf,
            adapters,
            vault,
            clock: Arc::clone(&clock),
            chance,
        };
        let worker = Worker::new(Arc::new(Collector::new(parts)), clock, COLLECTED_AT_A_TIME);
        tokio::spawn(Arc::clone(&worker).run());
        Collecting { worker }
    }

    /// Claims no more; what is under way ends soon, or is broken off: it goes on at its last
    /// document after the next start.
    pub async fn drain(&self, until: Elapsed) {
        self.worker.drain(until).await;
    }
}
