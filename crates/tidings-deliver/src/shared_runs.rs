//! Identical queries for one event run once: same query, same variables, same application.
//!
//! Shared only within an event. A run that began for an earlier event may have read what was before
//! this one's commit.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tidings_core::{
    ids::{ApplicationId, EntityId, EventId},
    source::SourceInfo,
    trigger::TriggerName,
};
use tidings_query::{
    SourceSchema,
    source::{Call, Executed, Source},
};
use tokio::sync::OnceCell;

/// The runs that are under way.
#[derive(Debug, Default)]
pub(crate) struct SharedRuns(Mutex<HashMap<RunKey, Arc<OnceCell<Executed>>>>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct RunKey {
    event: EventId,
    application: ApplicationId,
    query: String,
    variables: String,
}

/// A source whose runs for one event are shared.
pub(crate) struct SharedFor<'a> {
    pub(crate) runs: &'a SharedRuns,
    pub(crate) source: &'a dyn Source,
    pub(crate) event: EventId,
}

#[async_trait]
impl Source for SharedFor<'_> {
    fn info(&self) -> &SourceInfo {
        self.source.info()
    }

    fn schema(&self) -> SourceSchema {
        self.source.schema()
    }

    async fn execute(&self, call: &Call) -> Executed {
        let key = RunKey {
            event: self.event,
            application: call.identity.application,
            query: call.query.clone(),
            variables: serde_json::to_string(&call.variables).unwrap_or_default(),
        };
        let cell = Arc::clone(self.runs.map().entry(key.clone()).or_default());
        let executed = cell.get_or_init(|| self.source.execute(call)).await.clone();
        // Who came while it ran has the cell in hand; who comes later asks anew.
        self.runs.map().remove(&key);
        executed
    }

    async fn owners(
        &self,
        trigger: &TriggerName,
        entity: &EntityId,
    ) -> Result<Vec<ApplicationId>, String> {
        self.source.owners(trigger, entity).await
    }
}

impl SharedRuns {
    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<RunKey, Arc<OnceCell<Executed>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
