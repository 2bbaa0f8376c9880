//! GraphQL over HTTP, for any executor of a schema: our own thin handler, because what it must
//! refuse is ours to say.
//!
//!   token ─► GET: is the tag that was sent still right? ─► 304
//!      ─► GET parameters or POST body ─► size of the text ─► parsed
//!      ─► size of the operation ─► may the asker ask this? ─► run ─► tagged, where it may be
//!
//! Batches, uploads and subscriptions do not exist. Which status goes with which media type follows
//! the GraphQL-over-HTTP specification and its public audit suite.

use std::{any::Any, collections::BTreeSet, fmt, sync::Arc};

use async_graphql::{
    ObjectType, Pos, Request as GraphqlRequest, Response as GraphqlResponse, Schema, ServerError,
    SubscriptionType, Variables,
    parser::{
        parse_query,
        types::{ExecutableDocument, OperationType},
    },
};
use axum::{
    body::Body,
    extract::{Query, Request},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use tidings_core::access::Principal;
use tidings_graphql::{OperationFailureCode, PassingTrouble, Viewer, order};

use crate::{auth, body, json, problem::Problem, state::Api};

mod asked;
mod polling;
mod size;

use polling::Poll;

/// What an answer depends on beside the URL.
const VARY: &str = "accept, authorization";

/// Runs requests against the one schema that the binary put together.
#[derive(Clone)]
pub struct Executor {
    run: Arc<dyn Fn(Prepared) -> BoxFuture<'static, GraphqlResponse> + Send + Sync>,
    sdl: Arc<str>,
    polled: Arc<BTreeSet<String>>,
}

impl Executor {
    /// An executor of a schema.
    #[must_use]
    pub fn of<Q, M, S>(schema: Schema<Q, M, S>) -> Executor
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
    {
        let sdl = schema.sdl().into();
        let run = move |prepared: Prepared| {
            let schema = schema.clone();
            async move {
                let Prepared { mut request, mut document, .. } = prepared;
                order::prepare(&mut document);
                request.set_parsed_query(document.clone());
                let operation = request.operation_name.clone();
                let mut response = schema.execute(request).await;
                order::restore(&mut response, &document, operation.as_deref());
                response
            }
            .boxed()
        };
        Executor { run: Arc::new(run), sdl, polled: Arc::default() }
    }

    /// With queries whose answers depend on entities and on who asks, and on nothing else: where
    /// a GET asks for these alone, its answer has a tag.
    #[must_use]
    pub fn with_polled(self, names: BTreeSet<String>) -> Executor {
        Executor { polled: Arc::new(names), ..self }
    }

    /// The schema in the schema definition language.
    #[must_use]
    pub fn sdl(&self) -> Arc<str> {
        Arc::clone(&self.sdl)
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Executor({} bytes of SDL)", self.sdl.len())
    }
}

/// The two media types of an answer. They differ in the status of a request that could not be run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum MediaType {
    GraphqlResponse,
    Json,
}

impl MediaType {
    fn as_str(self) -> &'static str {
        match self {
            MediaType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            MediaType::Json => "application/json; charset=utf-8",
        }
    }
}

/// What a client asks for.
struct Asked {
    query: String,
    operation_name: Option<String>,
    variables: Variables,
}

/// A request that is not run. `well_formed`: it was GraphQL over HTTP, and only its document is
/// wrong.
struct Refusal {
    errors: Vec<Value>,
    well_formed: bool,
    has_data: bool,
    status: Option<StatusCode>,
}

impl Refusal {
    fn malformed(message: impl Into<String>) -> Refusal {
        let extensions = json!({ "code": "MALFORMED_REQUEST" });
        let errors = vec![json!({ "message": message.into(), "extensions": extensions })];
        Refusal { errors, well_formed: false, has_data: false, status: None }
    }

    fn document(message: impl Into<String>, code: &str) -> Refusal {
        Refusal::of(vec![json!({ "message": message.into(), "extensions": { "code": code } })])
    }

    fn of(errors: Vec<Value>) -> Refusal {
        Refusal { errors, well_formed: true, has_data: false, status: None }
    }
}

/// Answers the route.
pub async fn answer(api: &Arc<Api>, executor: &Executor, request: Request) -> Response {
    let media_type = media_type(request.headers());
    let principal = match auth::authenticate(api, request.headers()).await {
        Ok(principal) => principal,
        Err(problem) => return problem.into_response(),
    };
    let (head, body) = request.into_parts();
    let is_get = matches!(head.method, Method::GET | Method::HEAD);
    let poll = principal.as_ref().filter(|_| is_get && !executor.polled.is_empty());
    let poll = poll.map(|asker| Poll::of(api, asker, &head.uri, &head.headers, media_type));
    if let Some(poll) = &poll
        && let Some(tag) = poll.unchanged(api).await
    {
        return not_modified(&tag);
    }
    let asked = if is_get {
        from_uri(&head.uri)
    } else {
        match body::read_json(&head.headers, body, api.settings.body_ms_max).await {
            Ok(bytes) => from_body(&bytes),
            Err(problem) => return problem.into_response(),
        }
    };
    let polled = &executor.polled;
    match asked.and_then(|asked| prepare(asked, principal.as_ref(), is_get, api, polled)) {
        Ok(prepared) => {
            let prepared = prepared.with(Viewer(principal)).with(Arc::clone(api));
            match poll.filter(|_| prepared.is_polled) {
                Some(poll) => run_poll(api, executor, prepared, &poll, media_type).await,
                None => respond((executor.run)(prepared).await, media_type),
            }
        }
        Err(refusal) => refuse(refusal, media_type),
    }
}

/// Runs a query whose answer has a tag if it is whole, and if nothing changed while it was run: it
/// may have read some of it before a change and some after.
async fn run_poll(
    api: &Arc<Api>,
    executor: &Executor,
    prepared: Prepared,
    poll: &Poll,
    media_type: MediaType,
) -> Response {
    let before = poll.position(api).await;
    let trouble = Arc::new(PassingTrouble::default());
    let response = (executor.run)(prepared.with(Arc::clone(&trouble))).await;
    let is_whole = response.errors.is_empty() && !trouble.was_noted();
    let Some(position) = before.filter(|_| is_whole) else {
        return respond(response, media_type);
    };
    if poll.position(api).await != Some(position) {
        return respond(response, media_type);
    }
    let tag = poll.tag(position);
    if poll.knows(&tag) {
        return not_modified(&tag);
    }
    let mut response = respond(response, media_type);
    add_tag(&mut response, &tag);
    response
}

/// A request that can be run.
struct Prepared {
    request: GraphqlRequest,
    document: ExecutableDocument,
    /// Whether it asks for queries alone whose answers have tags.
    is_polled: bool,
}

impl Prepared {
    fn with(self, data: impl Any + Send + Sync) -> Prepared {
        Prepared { request: self.request.data(data), ..self }
    }
}

/// Everything that can be judged before the schema is asked.
fn prepare(
    asked: Asked,
    principal: Option<&Principal>,
    is_get: bool,
    api: &Api,
    polled: &BTreeSet<String>,
) -> Result<Prepared, Refusal> {
    size::of_text(&asked.query).map_err(|why| Refusal::document(why, "QUERY_TOO_LARGE"))?;
    let document = parse_query(&asked.query).map_err(|error| not_graphql(&error.into()))?;
    let operation = asked::operation(&document, asked.operation_name.as_deref())
        .map_err(|why| Refusal::document(why, "OPERATION_RESOLUTION_FAILURE"))?;
    if is_get && operation.ty != OperationType::Query {
        let refusal =
            Refusal::document("only queries are run on GET: send a POST", "METHOD_NOT_ALLOWED");
        return Err(Refusal { status: Some(StatusCode::METHOD_NOT_ALLOWED), ..refusal });
    }
    size::of_document(&document, operation, &asked.variables)
        .map_err(|why| Refusal::document(why, "QUERY_TOO_LARGE"))?;
    if principal.is_none() {
        let closed = asked::closed_fields(&document, operation, api.settings.public_schema);
        if !closed.is_empty() {
            let errors = closed.iter().map(unauthenticated).collect();
            return Err(Refusal { has_data: true, ..Refusal::of(errors) });
        }
    }
    let missing = asked::missing_variables(operation, &asked.variables);
    if !missing.is_empty() {
        return Err(Refusal::of(missing.iter().map(variable_missing).collect()));
    }
    let is_polled = polling::is_polled(&document, operation, polled);
    let mut request = GraphqlRequest::new(asked.query).variables(asked.variables);
    request.operation_name = asked.operation_name;
    Ok(Prepared { request, document, is_polled })
}

fn not_graphql(error: &ServerError) -> Refusal {
    let places = error.locations.iter();
    let places = places.map(|place| json!({ "line": place.line, "column": place.column }));
    Refusal::of(vec![json!({
        "message": format!("this is not GraphQL: {}", in_one_line(&error.message)),
        "locations": places.collect::<Vec<Value>>(),
        "extensions": { "code": "GRAPHQL_PARSE_FAILED" },
    })])
}

/// What the parser says, without the excerpt of the document that it draws around it.
fn in_one_line(message: &str) -> String {
    let said = message.lines().find_map(|line| line.trim_start().strip_prefix("= "));
    said.unwrap_or(message).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unauthenticated(field: &String) -> Value {
    json!({
        "message": "This needs a token: send the header `Authorization: Bearer TOKEN`.",
        "path": [field],
        "extensions": { "code": "UNAUTHENTICATED" },
    })
}

fn variable_missing((name, place): &(String, Pos)) -> Value {
    json!({
        "message": format!("`${name}` is needed: give it in `variables`"),
        "locations": [{ "line": place.line, "column": place.column }],
        "extensions": { "code": OperationFailureCode::InvalidInput.as_str() },
    })
}

fn from_uri(uri: &Uri) -> Result<Asked, Refusal> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Refusal::malformed("the parameters of the URL cannot be read"))?;
    let mut members = serde_json::Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "query" | "operationName" if text.is_empty() => continue,
            "query" | "operationName" => Value::String(text),
            "variables" | "extensions" if text.is_empty() => continue,
            "variables" | "extensions" => json::parse(text.as_bytes()).map_err(|at| {
                let place = at.offset;
                Refusal::malformed(format!("`{name}` is not JSON: {} at byte {place}", at.what))
            })?,
            _ => continue,
        };
        if members.insert(name.clone(), value).is_some() {
            return Err(Refusal::malformed(format!("`{name}` is there twice")));
        }
    }
    from_members(members)
}

fn from_body(bytes: &[u8]) -> Result<Asked, Refusal> {
    let value = json::parse(bytes).map_err(|at| {
        Refusal::malformed(format!("the body is not JSON: {} at byte {}", at.what, at.offset))
    })?;
    match value {
        Value::Object(members) => from_members(members),
        Value::Array(_) => Err(Refusal::malformed("batches are not run: send one request each")),
        _ => Err(Refusal::malformed("the body is not an object with `query`")),
    }
}

fn from_members(mut members: serde_json::Map<String, Value>) -> Result<Asked, Refusal> {
    let query = match members.shift_remove("query") {
        Some(Value::String(query)) => query,
        Some(_) => return Err(Refusal::malformed("`query` is not a string")),
        None => return Err(Refusal::malformed("`query` is missing: send a GraphQL document")),
    };
    let operation_name = match members.shift_remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(Refusal::malformed("`operationName` is not a string")),
    };
    let variables = match members.shift_remove("variables") {
        None | Some(Value::Null) => Variables::default(),
        Some(variables @ Value::Object(_)) => Variables::from_json(variables),
        Some(_) => return Err(Refusal::malformed("`variables` is not an object")),
    };
    match members.shift_remove("extensions") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(_) => return Err(Refusal::malformed("`extensions` is not an object")),
    }
    Ok(Asked { query, operation_name, variables })
}

/// The media type that the client likes best. Who names none gets `application/json`, as older
/// clients expect.
fn media_type(headers: &HeaderMap) -> MediaType {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best = (0.0, MediaType::Json);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0));
        let offered = match kind.as_str() {
            "application/graphql-response+json" => MediaType::GraphqlResponse,
            "application/json" | "application/*" | "*/*" => MediaType::Json,
            _ => continue,
        };
        if quality > best.0 {
            best = (quality, offered);
        }
    }
    best.1
}

fn respond(response: GraphqlResponse, media_type: MediaType) -> Response {
    let has_no_data = response.data == async_graphql::Value::Null;
    let was_run = response.errors.iter().any(|error| !error.path.is_empty());
    if has_no_data && !response.errors.is_empty() && !was_run {
        let errors = response.errors.iter().map(|error| json!(error)).collect();
        return refuse(Refusal::of(errors), media_type);
    }
    match serde_json::to_string(&response) {
        Ok(text) => answer_with(StatusCode::OK, media_type, text),
        Err(error) => {
            tracing::error!(error = %error, "an answer could not be written: {error}");
            Problem::new(crate::problem::Code::Internal, "the answer could not be written")
                .into_response()
        }
    }
}

fn refuse(refusal: Refusal, media_type: MediaType) -> Response {
    let status = match refusal.status {
        Some(status) => status,
        None if !refusal.well_formed => StatusCode::BAD_REQUEST,
        None if refusal.has_data || media_type == MediaType::Json => StatusCode::OK,
        None => StatusCode::BAD_REQUEST,
    };
    let body = if refusal.has_data {
        json!({ "errors": refusal.errors, "data": null })
    } else {
        json!({ "errors": refusal.errors })
    };
    let mut response = answer_with(status, media_type, body.to_string());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn answer_with(status: StatusCode, media_type: MediaType, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type.as_str()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::VARY, HeaderValue::from_static(VARY));
    response
}

/// A tag is of one asker and one media type, and whoever keeps the answer asks whether it is right.
fn add_tag(response: &mut Response, tag: &str) {
    let headers = response.headers_mut();
    let Ok(value) = HeaderValue::from_str(tag) else { return };
    headers.insert(header::ETAG, value);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}

fn not_modified(tag: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static(VARY));
    add_tag(&mut response, tag);
    response
}
