//! What is on its way to which endpoint, so that no endpoint takes the room of the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidings_core::{ids::EndpointId, limits::ENDPOINT_CONCURRENCY_MAX};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Attempts on their way, by endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashMap<EndpointId, Lane>>>);

#[derive(Debug)]
struct Lane {
    count: u32,
    width: Arc<Semaphore>,
}

/// One attempt on its way; over when it is dropped.
#[derive(Debug)]
pub(crate) struct OnItsWay {
    in_flight: InFlight,
    endpoint: EndpointId,
    width: Arc<Semaphore>,
}

impl InFlight {
    /// Counts one more.
    pub(crate) fn begin(&self, endpoint: EndpointId) -> OnItsWay {
        self.enter(&mut self.lanes(), endpoint)
    }

    /// Counts more, and says what was there before them.
    pub(crate) fn begin_all(
        &self,
        endpoints: impl Iterator<Item = EndpointId>,
    ) -> (HashMap<EndpointId, u32>, Vec<OnItsWay>) {
        let mut lanes = self.lanes();
        let before = lanes.iter().map(|(endpoint, lane)| (*endpoint, lane.count)).collect();
        (before, endpoints.map(|endpoint| self.enter(&mut lanes, endpoint)).collect())
    }

    fn enter(&self, lanes: &mut HashMap<EndpointId, Lane>, endpoint: EndpointId) -> OnItsWay {
        let lane = lanes.entry(endpoint).or_insert_with(|| {
            let width = usize::try_from(ENDPOINT_CONCURRENCY_MAX).unwrap_or(1);
            Lane { count: 0, width: Arc::new(Semaphore::new(width)) }
        });
        lane.count += 1;
        OnItsWay { in_flight: self.clone(), endpoint, width: Arc::clone(&lane.width) }
    }

    /// What is on its way now.
    pub(crate) fn snapshot(&self) -> HashMap<EndpointId, u32> {
        self.lanes().iter().map(|(endpoint, lane)| (*endpoint, lane.count)).collect()
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<EndpointId, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnItsWay {
    /// Waits until the endpoint may be sent to. Claims respect the bound by what they were told was
    /// on its way; two that were told at the same moment are held to it here.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.width).acquire_owned().await.ok()
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let mut lanes = self.in_flight.lanes();
        if let Some(lane) = lanes.get_mut(&self.endpoint) {
            lane.count -= 1;
            if lane.count == 0 {
                lanes.remove(&self.endpoint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_not_on_its_way() {
        let in_flight = InFlight::default();
        let first = in_flight.begin(EndpointId(1));
        let second = in_flight.begin(EndpointId(1));
        assert_eq!(in_flight.snapshot(), HashMap::from([(EndpointId(1), 2)]));
        drop((first, second));
        assert!(in_flight.snapshot().is_empty());
    }
}
