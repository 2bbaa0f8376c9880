//! What every source can do: say what it is, and run a query with an application's rights. The
//! built-in platform is one, in the same process; any GraphQL API behind HTTP can be another.

use async_trait::async_trait;
use tidings_core::{
    access::ScopeSet,
    application::Name,
    event::JsonObject,
    ids::{ApplicationId, EntityId, EventId},
    source::SourceInfo,
    trigger::TriggerName,
};

use crate::{response::GraphqlResponse, schema::SourceSchema};

/// On whose behalf a query runs: an application with the rights that it has now.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Identity {
    /// The application.
    pub application: ApplicationId,
    /// Its name.
    pub name: Name,
    /// What it may do.
    pub scopes: ScopeSet,
}

/// The event for which a query runs. A source may let the query of a deletion see what was deleted:
/// that of the deletion's own event, and of no other that has the same trigger and entity.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct About {
    /// The event.
    pub event: EventId,
    /// The trigger that fired, under its own name.
    pub trigger: TriggerName,
    /// What it fired for.
    pub entity: EntityId,
}

/// A query that is to run once.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The query's text, checked against the source's schema when it was saved.
    pub query: String,
    /// The operation's name, where it has one.
    pub operation_name: Option<String>,
    /// The variables that it runs with.
    pub variables: JsonObject,
    /// On whose behalf.
    pub identity: Identity,
    /// For which event.
    pub about: About,
}

/// What running a query came to.
#[derive(Clone, Debug)]
pub enum Executed {
    /// The source answered, perhaps with errors.
    Answered(GraphqlResponse),
    /// The source cannot be reached, or is throttling: a matter of the source's clock.
    Down {
        /// What happened, for people.
        why: String,
        /// How long the source asked to be left alone.
        wait_ms: Option<u64>,
    },
}

/// A GraphQL API that events come from and that is queried.
#[async_trait]
pub trait Source: Send + Sync {
    /// What it is called, where it is, and which triggers it fires.
    fn info(&self) -> &SourceInfo;

    /// The schema that stored queries are checked against, as it is now.
    fn schema(&self) -> SourceSchema;

    /// Runs a query. Only queries: nothing can be changed by it.
    async fn execute(&self, call: &Call) -> Executed;

    /// The applications that own an entity, where the source knows; empty where it does not.
    ///
    /// # Errors
    /// What happened, for people, when the source cannot say at present.
    async fn owners(
        &self,
        trigger: &TriggerName,
        entity: &EntityId,
    ) -> Result<Vec<ApplicationId>, String>;
}
