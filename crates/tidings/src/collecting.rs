//! The collector of the platform, as the program runs it.

use std::sync::Arc;

use tidings_core::time::Elapsed;
use tidings_platform::collect::{
    collector::{COLLECTED_AT_A_TIME, Collector, CollectorParts},
    running::{Running, wake_for_new},
};
use tidings_work::Worker;
use tokio::task::JoinHandle;

/// A collector at work.
pub struct Collecting {
    worker: Arc<Worker<Collector>>,
    waking: JoinHandle<()>,
    running: Arc<Running>,
}

impl Collecting {
    /// Sets a collector to work.
    pub fn start(parts: CollectorParts) -> Collecting {
        let (running, clock) = (parts.writer.running(), Arc::clone(&parts.clock));
        let worker = Worker::new(Arc::new(Collector::new(parts)), clock, COLLECTED_AT_A_TIME);
        tokio::spawn(Arc::clone(&worker).run());
        let waking = tokio::spawn(wake_for_new(Arc::clone(&worker), Arc::clone(&running)));
        Collecting { worker, waking, running }
    }

    /// What runs, and how what ran has ended.
    pub fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running)
    }

    /// Claims no more; what is under way ends soon, or is broken off: it goes on at its last
    /// document after the next start.
    pub async fn drain(&self, until: Elapsed) {
        self.waking.abort();
        self.worker.drain(until).await;
    }
}
