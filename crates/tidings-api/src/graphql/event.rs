//! Events: what fired, and what became of it.

use std::sync::Arc;

use async_graphql::{Context, Error, ID, Object};
use tidings_core::{access::Scope, event::Event as Stored, ids::EventId};
use tidings_graphql::{DateTime, Json, ListPage, OperationFailure, Thing, result_union};

use super::{
    asker::{Asker, as_error, not_found, page, parse_id, shown, store_error, store_failure},
    delivery::Delivery,
    filter::EventFilter,
};

/// The name of the list in its cursors.
const LIST: &str = "events";

/// One firing of a trigger for one entity.
#[derive(Clone, Debug)]
pub struct Event(pub(super) Arc<Stored>);

/// One firing of a trigger for one entity.
#[Object]
impl Event {
    /// Its id.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The trigger that fired.
    async fn trigger(&self) -> &str {
        self.0.trigger.as_str()
    }

    /// What it fired for: the entity's id in its source.
    async fn entity(&self) -> ID {
        self.0.entity.as_str().into()
    }

    /// The source of the entity.
    async fn source(&self) -> &str {
        self.0.source.as_str()
    }

    /// The application whose webhooks hear it; null: every application's.
    async fn application(&self, context: &Context<'_>) -> Result<Option<String>, Error> {
        let Some(id) = self.0.application else { return Ok(None) };
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        let catalog = asker.api.store.catalog().await.map_err(store_error)?;
        Ok(catalog.application(id).map(|found| found.name.to_string()))
    }

    /// When the trigger fired.
    async fn date(&self) -> DateTime {
        self.0.date.into()
    }

    /// What was passed to the queries that declare it; null where nothing was.
    async fn variables(&self) -> Option<Json> {
        let variables = &self.0.variables;
        (!variables.is_empty()).then(|| Json(serde_json::Value::Object(variables.clone())))
    }

    /// Its deliveries, also replays: one for each webhook that heard it.
    async fn deliveries(&self, context: &Context<'_>) -> Result<Vec<Delivery>, Error> {
        let asker = Asker::with(context, &[Scope::ReadDeliveries]).map_err(as_error)?;
        let found = asker.api.store.deliveries_of(asker.now(), self.0.id).await;
        let found = found.map_err(store_error)?;
        let seen = found.into_iter().filter(|one| asker.principal.sees(one.delivery.application));
        Ok(seen.map(Delivery).collect())
    }
}

result_union! {
    /// An event, or why it is not shown.
    GetEventResult(Event)
}

/// Queries about events. All need the scope `read:deliveries`.
#[derive(Default, Debug)]
pub struct EventQuery;

#[Object]
impl EventQuery {
    /// An event.
    async fn get_event(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> GetEventResult {
        find(context, &id).await.into()
    }

    /// Events, newest first.
    async fn get_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<EventFilter>,
        #[graphql(desc = "How many: 1 to 200.", default_with = "Some(50)")] first: Option<i32>,
        #[graphql(desc = "An `endCursor`, for the page after it.")] after: Option<String>,
    ) -> Result<ListPage<Event>, Error> {
        let asker = Asker::with(context, &[Scope::ReadDeliveries]).map_err(as_error)?;
        let page = page(LIST, first, after.as_deref())?;
        let filter = filter.unwrap_or_default().resolve(&asker).await.map_err(as_error)?;
        let found = asker.api.store.events(filter, page).await;
        let found = found.map_err(store_error)?;
        Ok(shown(LIST, found, |one| one.id.to_string(), Event))
    }
}

async fn find(context: &Context<'_>, id: &str) -> Result<Event, OperationFailure> {
    let asker = Asker::with(context, &[Scope::ReadDeliveries])?;
    let number: EventId = parse_id(Thing::Event, id)?;
    let found = asker.api.store.event(number).await.map_err(store_failure)?;
    let is_seen = |event: &Arc<Stored>| {
        event.application.is_none_or(|application| asker.principal.sees(application))
    };
    found.filter(is_seen).map(Event).ok_or_else(|| not_found(Thing::Event, id))
}
