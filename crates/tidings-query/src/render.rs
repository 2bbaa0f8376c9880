//! From a query to the body that is sent. Deliveries and previews both come through here.
//!
//!   plan (the stored query against the schema as it is) ─► variables ─► run ─► judge ─► compose
//!     └─ does not fit any more ─► Hold                                   │       │
//!                          source down ─► Wait, for 7 days ◄─────────────┘       │
//!                 a rule of an error's code; no data ─► Wait, for 24 h ◄─────────┘
//!
//! Nothing here waits: it says that there is something to wait for.

use serde_json::value::{RawValue, to_raw_value};
use tidings_core::{
    delivery::{Reason, ReasonCode},
    event::{Event, JsonObject},
    ids::{DeliveryId, EntityId},
    limits::{PAYLOAD_BYTES_MAX, RESPONSE_PATIENCE_MS, SOURCE_PATIENCE_MS},
    payload::{Envelope, compose},
    trigger::TriggerName,
    webhook::{ErrorAction, ErrorRule, Webhook},
};

use crate::{
    check::CheckedQuery,
    drift::drift,
    problem::QueryProblem,
    response::{GraphqlError, GraphqlResponse},
    schema::SourceSchema,
    source::{About, Call, Executed, Identity, Source},
    variables::{ProvidedVariables, compose_checked},
};

/// The code of an error that tells of an event's variables which the query does not take.
const VARIABLES_INVALID: &str = "VARIABLES_INVALID";

/// What is rendered.
#[derive(Clone, Debug)]
pub struct RenderRequest<'a> {
    /// The id that the body bears.
    pub delivery: DeliveryId,
    /// The name under which the webhook heard the event.
    pub trigger: &'a TriggerName,
    /// What happened.
    pub event: &'a Event,
    /// The standing order.
    pub webhook: &'a Webhook,
    /// Its query for the trigger, from [`plan`].
    pub query: &'a CheckedQuery,
    /// On whose behalf it runs.
    pub identity: Identity,
    /// How long the delivery has been waiting.
    pub waited: Waited,
}

/// How long a delivery has been waiting for its query. The two patiences never share a clock: who
/// waited for days for a source has not waited for its data at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waited {
    /// For the source to answer.
    pub for_source_ms: u64,
    /// For a response that has data.
    pub for_data_ms: u64,
}

/// What rendering came to, and what it showed of the source.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// What is to be done.
    pub rendering: Rendering,
    /// Whether the source answered.
    pub source: SourceAnswer,
    /// The people and accounts that the answer tells of, where the source knows.
    pub subjects: Vec<EntityId>,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rendering {
    /// This body is sent.
    Payload(Vec<u8>),
    /// The query is run again later.
    Wait(Reason),
    /// Nothing is sent.
    Suppress(Reason),
    /// The webhook is put on hold.
    Hold(Reason),
    /// Nothing is sent, and nothing more is tried.
    Exhaust(Reason),
}

/// What a query showed of its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceAnswer {
    /// It was not asked.
    NotAsked,
    /// It answered.
    Answered,
    /// It could not be reached, or is throttling.
    Down {
        /// How long it asked to be left alone.
        wait_ms: Option<u64>,
    },
}

/// Holds a webhook's query for a trigger against the schema as it is.
///
/// # Errors
/// What is wrong with it: the webhook has no query for the trigger, or the schema no longer accepts
/// it.
pub fn plan(
    schema: &SourceSchema,
    webhook: &Webhook,
    trigger: &TriggerName,
) -> Result<CheckedQuery, Vec<QueryProblem>> {
    let Some(query) = webhook.queries.of(trigger) else {
        let message = format!("the webhook has no query for {trigger}: add one to `queries`");
        return Err(vec![QueryProblem::new("/queries", message)]);
    };
    let provided = ProvidedVariables::for_several_queries(webhook.variables.clone());
    drift(schema, query, &provided)
}

/// Why a webhook is held whose query does not fit the schema.
#[must_use]
pub fn broken(problems: &[QueryProblem]) -> Reason {
    let first = problems.first().map_or("the query does not fit the schema", |p| &p.message);
    Reason::new(
        ReasonCode::QueryBroken,
        format!("{first}; mend the query or the schema and it flows again"),
    )
}

/// Runs the query and makes the body.
pub async fn render(source: &dyn Source, request: &RenderRequest<'_>) -> Rendered {
    let RenderRequest { event, webhook, query, .. } = *request;
    let variables = compose_checked(
        query.variables(),
        event.entity.as_str(),
        &webhook.variables,
        &event.variables,
    );
    let variables = match variables {
        Ok(variables) => variables,
        Err(problems) => return unfit_variables(source, request, &problems),
    };
    let call = Call {
        query: query.text().to_owned(),
        operation_name: query.operation_name().map(str::to_owned),
        variables,
        identity: request.identity.clone(),
        about: About {
            event: event.id,
            trigger: event.trigger.clone(),
            entity: event.entity.clone(),
        },
    };
    match source.execute(&call).await {
        Executed::Answered(response) => Rendered {
            rendering: judge(source, request, &call.variables, &response),
            source: SourceAnswer::Answered,
            subjects: response.subjects,
        },
        Executed::Down { why, wait_ms } => {
            let why = Reason::new(ReasonCode::SourceDown, why);
            let patient = request.waited.for_source_ms < SOURCE_PATIENCE_MS;
            let rendering = if patient { Rendering::Wait(why) } else { Rendering::Exhaust(why) };
            Rendered { rendering, source: SourceAnswer::Down { wait_ms }, subjects: Vec::new() }
        }
    }
}

fn judge(
    source: &dyn Source,
    request: &RenderRequest<'_>,
    variables: &JsonObject,
    response: &GraphqlResponse,
) -> Rendering {
    if response.errors.is_empty() && response.data.is_some() {
        return composed(source, request, variables, response.data.as_deref(), &[]);
    }
    let action = action(&request.webhook.error_rules, response);
    let why = reason(&response.errors);
    match action {
        ErrorAction::Hold => Rendering::Hold(why),
        ErrorAction::Drop => Rendering::Suppress(Reason { code: ReasonCode::ErrorRule, ..why }),
        ErrorAction::Retry if request.waited.for_data_ms < RESPONSE_PATIENCE_MS => {
            Rendering::Wait(why)
        }
        ErrorAction::Retry | ErrorAction::Deliver => {
            composed(source, request, variables, response.data.as_deref(), &response.errors)
        }
    }
}

/// The strongest of what the webhook's rules say about the errors. Without a rule a response that
/// has data is delivered, one without is tried again.
fn action(rules: &[ErrorRule], response: &GraphqlResponse) -> ErrorAction {
    let unruled = if response.data.is_some() { ErrorAction::Deliver } else { ErrorAction::Retry };
    let ruled = |error: &GraphqlError| {
        let rule = rules.iter().find(|rule| Some(&rule.code) == error.code.as_ref());
        rule.map_or(unruled, |rule| rule.action)
    };
    response.errors.iter().map(ruled).max().unwrap_or(unruled)
}

fn reason(errors: &[GraphqlError]) -> Reason {
    let detail = match errors.first() {
        Some(error) => match &error.code {
            Some(code) => format!("the query answered {code}: {}", error.message),
            None => format!("the query answered with an error: {}", error.message),
        },
        None => "the query answered without data and without errors".to_owned(),
    };
    Reason::new(ReasonCode::QueryErrors, detail.chars().take(500).collect::<String>())
}

/// Variables of the event that the query does not take are the same tomorrow: what is wrong with
/// them is delivered.
fn unfit_variables(
    source: &dyn Source,
    request: &RenderRequest<'_>,
    problems: &[QueryProblem],
) -> Rendered {
    let errors: Vec<GraphqlError> = problems
        .iter()
        .map(|problem| {
            let json = serde_json::json!({
                "message": problem.message,
                "extensions": { "code": VARIABLES_INVALID },
            });
            GraphqlError {
                message: problem.message.clone(),
                code: Some(VARIABLES_INVALID.to_owned()),
                raw: to_raw_value(&json).expect("a JSON value always serializes"),
            }
        })
        .collect();
    let rules = &request.webhook.error_rules;
    let ruled = rules.iter().find(|rule| rule.code == VARIABLES_INVALID).map(|rule| rule.action);
    let rendering = match ruled {
        Some(ErrorAction::Hold) => Rendering::Hold(reason(&errors)),
        Some(ErrorAction::Drop) => {
            Rendering::Suppress(Reason { code: ReasonCode::ErrorRule, ..reason(&errors) })
        }
        Some(ErrorAction::Deliver | ErrorAction::Retry) | None => {
            let mut variables = JsonObject::new();
            variables.insert("id".to_owned(), request.event.entity.as_str().into());
            composed(source, request, &variables, None, &errors)
        }
    };
    Rendered { rendering, source: SourceAnswer::NotAsked, subjects: Vec::new() }
}

fn composed(
    source: &dyn Source,
    request: &RenderRequest<'_>,
    variables: &JsonObject,
    data: Option<&RawValue>,
    errors: &[GraphqlError],
) -> Rendering {
    let errors: Vec<&RawValue> = errors.iter().map(|error| &*error.raw).collect();
    let errors = (!errors.is_empty())
        .then(|| to_raw_value(&errors).expect("raw JSON values always serialize"));
    let body = compose(&Envelope {
        id: request.delivery,
        trigger: request.trigger,
        date: request.event.date,
        api: &source.info().api,
        query: request.query.text(),
        variables,
        data,
        errors: errors.as_deref(),
    });
    if body.len() > PAYLOAD_BYTES_MAX {
        let detail = format!(
            "the body has {} bytes, at most {PAYLOAD_BYTES_MAX} are sent: select less",
            body.len()
        );
        return Rendering::Exhaust(Reason::new(ReasonCode::PayloadTooLarge, detail));
    }
    Rendering::Payload(body)
}
