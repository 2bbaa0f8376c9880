//! `POST /v1/events`: triggers fire.
//!
//!   token ─► body ─► JSON ─► EventInput ─► source, trigger, application
//!      ─► match ─► append (one commit) ─► 202
//!           ▲         │ the catalog changed: a few times, then 503
//!           └─────────┘
//!
//! All or nothing: whatever is wrong with one event refuses all. Nothing is acknowledged before it
//! is durable.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tidings_core::{
    access::{Principal, Scope},
    application::Name,
    catalog::Catalog,
    event::{Event, JsonObject},
    ids::{ApplicationId, EventId},
    limits::DELIVERIES_PER_REQUEST_MAX,
    matching::match_event,
    time::Now,
};
use tidings_query::source::Source;
use tidings_store::{Append, AppendError, AppendedEvent, Idempotency, NewEvent};

use crate::{
    auth, body,
    event_input::{self, EventInput},
    json,
    problem::{self, Code, Problem},
    state::Api,
};

/// How often events are matched again because the catalog changed meanwhile.
const MATCHES_MAX: usize = 8;
/// Entities whose owners are asked for at a time.
const OWNERS_ASKED_MAX: usize = 32;

/// Answers the route.
pub async fn post_events(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = auth::required(&api, request.headers()).await?;
    auth::require(&principal, Scope::FireTriggers)?;
    let _turn = api.gate.enter(&principal.owner)?;
    let (head, body) = request.into_parts();
    let bytes = body::read_json(&head.headers, body, api.settings.body_ms_max).await?;
    let value = json::parse(&bytes).map_err(|at| Problem::malformed_at(at.offset, &at.what))?;
    let now = api.clock.now();
    let inputs = event_input::parse(value, now.wall).map_err(Problem::invalid_events)?;
    let appended = fire(&api, &principal, now, inputs).await?;
    Ok(problem::accepted(&answer(&appended)))
}

fn answer(appended: &[AppendedEvent]) -> JsonObject {
    let events: Vec<Value> = appended
        .iter()
        .map(|event| {
            json!({
                "id": event.id.to_string(),
                "deliveries": event.deliveries,
                "duplicate": event.duplicate,
            })
        })
        .collect();
    JsonObject::from_iter([("events".to_owned(), events.into())])
}

/// An event of which everything is known but who hears it.
struct Fired<'a> {
    event: Event,
    source: &'a Arc<dyn Source>,
    idempotency: Option<Idempotency>,
}

async fn fire(
    api: &Api,
    principal: &Principal,
    now: Now,
    inputs: Vec<EventInput>,
) -> Result<Vec<AppendedEvent>, Problem> {
    let catalog = api.store.catalog().await?;
    let fired: Vec<Fired<'_>> = stream::iter(inputs.into_iter().enumerate())
        .map(|(index, input)| resolve(api, principal, &catalog, now, index, input))
        .buffered(OWNERS_ASKED_MAX)
        .try_collect()
        .await?;
    append(api, now, &fired).await
}

async fn append(api: &Api, now: Now, fired: &[Fired<'_>]) -> Result<Vec<AppendedEvent>, Problem> {
    for _ in 0..MATCHES_MAX {
        let catalog = api.store.catalog().await?;
        let append = Append::of(catalog.version(), matched(&catalog, fired)?);
        match api.ingest.append(now, append).await {
            Ok(appended) => return Ok(appended),
            Err(AppendError::StaleCatalog) => {}
            Err(AppendError::IdempotencyConflict { index }) => {
                return Err(conflict(index, fired));
            }
            Err(AppendError::EntityConflict { kind, id }) => {
                let detail = format!("the {kind} `{id}` was changed at the same moment: try again");
                return Err(Problem::later(Code::Overloaded, 1, detail));
            }
            Err(AppendError::Store(error)) => return Err(error.into()),
            Err(error @ (AppendError::LeaseLost { .. } | AppendError::TokenTaken { .. })) => {
                tracing::error!(%error, "events without tasks and tokens met a refusal of one");
                return Err(Problem::later(Code::Overloaded, 1, error.to_string()));
            }
        }
    }
    let detail = "webhooks are being changed faster than events can be matched: try again";
    Err(Problem::later(Code::Overloaded, 1, detail))
}

fn conflict(index: usize, fired: &[Fired<'_>]) -> Problem {
    let key = fired.get(index).and_then(|fired| fired.idempotency.as_ref());
    let key = key.map_or("", |idempotency| idempotency.key.as_str());
    let detail = format!(
        "the idempotencyKey `{key}` was used for another event in the last 7 days: send the same \
         content, or choose another key"
    );
    let pointer = if fired.len() == 1 {
        "/idempotencyKey".to_owned()
    } else {
        format!("/{index}/idempotencyKey")
    };
    Problem::new(Code::IdempotencyConflict, detail).of(index, pointer)
}

fn matched(catalog: &Catalog, fired: &[Fired<'_>]) -> Result<Vec<NewEvent>, Problem> {
    let mut deliveries = 0;
    let mut events = Vec::with_capacity(fired.len());
    for fired in fired {
        let matches = match_event(&fired.event, catalog, &fired.source.info().aliases);
        deliveries += matches.len();
        if deliveries > DELIVERIES_PER_REQUEST_MAX {
            let detail = format!(
                "the request would make more than {DELIVERIES_PER_REQUEST_MAX} deliveries: send \
                 fewer events at a time"
            );
            return Err(Problem::new(Code::FanOutTooLarge, detail));
        }
        let idempotency = fired.idempotency.clone();
        events.push(NewEvent { event: fired.event.clone(), matches, idempotency });
    }
    Ok(events)
}

async fn resolve<'a>(
    api: &'a Api,
    principal: &Principal,
    catalog: &Catalog,
    now: Now,
    index: usize,
    input: EventInput,
) -> Result<Fired<'a>, Problem> {
    let source = find_source(api, index, &input)?;
    let info = source.info();
    if !info.triggers.has(&input.trigger) {
        let detail = format!(
            "the source `{}` does not fire `{}`: getTriggers lists what it fires",
            info.name, input.trigger
        );
        let pointer = format!("{}/trigger", input.pointer);
        return Err(Problem::new(Code::UnknownTrigger, detail).of(index, pointer));
    }
    let asked = asked_application(principal, catalog, index, &input)?;
    let idempotency = input.key.clone().map(|key| {
        let asked_name = asked.as_ref().map(|(_, name)| name);
        let content = input.content(&info.name, asked_name);
        Idempotency { owner: principal.owner.clone(), key, content }
    });
    let application = match asked {
        Some((id, _)) => Some(id),
        None => sole_owner(source, catalog, index, &input).await?,
    };
    let id: EventId = api.chance.event_id(now.wall);
    let event = Event {
        id,
        trigger: input.trigger,
        entity: input.entity,
        source: info.name.clone(),
        application,
        variables: input.variables,
        date: input.occurred_at.unwrap_or(now.wall),
        test: false,
    };
    Ok(Fired { event, source, idempotency })
}

fn find_source<'a>(
    api: &'a Api,
    index: usize,
    input: &EventInput,
) -> Result<&'a Arc<dyn Source>, Problem> {
    let pointer = format!("{}/source", input.pointer);
    match (&input.source, api.sources.as_slice()) {
        (Some(name), _) => api.source(name).ok_or_else(|| {
            let detail = format!("there is no source `{name}`: getSources lists them");
            Problem::new(Code::UnknownSource, detail).of(index, pointer)
        }),
        (None, [only]) => Ok(only),
        (None, _) => {
            let names: Vec<&str> = api.source_infos().map(|info| info.name.as_str()).collect();
            let detail = format!("`source` is missing: name one of {}", names.join(", "));
            Err(Problem::new(Code::InvalidEvent, detail).of(index, pointer))
        }
    }
}

/// The application that the request names, or whose token it has. `None`: the operator's token, and
/// no name.
fn asked_application(
    principal: &Principal,
    catalog: &Catalog,
    index: usize,
    input: &EventInput,
) -> Result<Option<(ApplicationId, Name)>, Problem> {
    let pointer = || format!("{}/application", input.pointer);
    let own = principal.application().zip(principal.application_name.clone());
    match (own, &input.application) {
        (Some(own), None) => Ok(Some(own)),
        (Some(own), Some(name)) if own.1 == *name => Ok(Some(own)),
        (Some(_), Some(_)) => {
            let detail = "an application's token fires for its own application alone: leave \
             `application` out";
            Err(Problem::new(Code::NotPermitted, detail).of(index, pointer()))
        }
        (None, None) => Ok(None),
        (None, Some(name)) => match catalog.application_named(name) {
            Some(application) => Ok(Some((application.id, name.clone()))),
            None => {
                let detail = format!("there is no application `{name}`");
                Err(Problem::new(Code::UnknownApplication, detail).of(index, pointer()))
            }
        },
    }
}

/// Whose entity it is, where the source knows; `None`: every application hears of it.
async fn sole_owner(
    source: &Arc<dyn Source>,
    catalog: &Catalog,
    index: usize,
    input: &EventInput,
) -> Result<Option<ApplicationId>, Problem> {
    let owners = source.owners(&input.trigger, &input.entity).await.map_err(|why| {
        tracing::warn!(source = %source.info().name, why, "a source cannot name owners");
        let detail =
            "the source cannot say at present whose this is: name the `application`, or try again";
        Problem::later(Code::StorageUnavailable, 5, detail)
    })?;
    let mut present = owners.into_iter().filter(|id| catalog.application(*id).is_some());
    match (present.next(), present.next()) {
        (owner, None) => Ok(owner),
        (_, Some(_)) => {
            let detail = format!(
                "several applications have a `{}`: name the `application` that is meant",
                input.entity
            );
            let pointer = format!("{}/application", input.pointer);
            Err(Problem::new(Code::InvalidEvent, detail).of(index, pointer))
        }
    }
}
