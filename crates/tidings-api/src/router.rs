//! Every route of the front door, on one screen.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::{get, post},
};
use http::HeaderMap;
use tidings_core::access::Scope;

use crate::{
    auth, document,
    graphql_http::{self, Executor},
    ingest,
    problem::{self, Code, Problem},
    state::Api,
    status,
    web::Pages,
};

/// The front door over an executor of the one schema.
pub fn router(api: Arc<Api>, executor: Executor) -> Router {
    let sdl = executor.sdl();
    let graphql = move |State(api): State<Arc<Api>>, request: Request| async move {
        graphql_http::answer(&api, &executor, request).await
    };
    let schema = move |State(api): State<Arc<Api>>, headers: HeaderMap| async move {
        show_schema(&api, &headers, &sdl).await
    };
    let pages = Arc::new(Pages::default());
    let page = Arc::clone(&pages);
    let explorer = move |headers: HeaderMap| async move { page.explorer(&headers) };
    let explorer_file = move |Path(name): Path<String>, headers: HeaderMap| async move {
        pages.explorer_file(&name, &headers)
    };
    Router::new()
        .route("/v1/events", post(ingest::post_events).fallback(|| wrong_method("POST")))
        .route(
            "/v1/graphql",
            get(graphql.clone()).post(graphql).fallback(|| wrong_method("GET, POST")),
        )
        .route("/v1/schema.graphql", get(schema).fallback(|| wrong_method("GET")))
        .route(
            "/v1/documents/{id}",
            get(document::get_document).fallback(|| wrong_method("GET, HEAD")),
        )
        .route(
            "/status",
            get(status::get_status).options(status::preflight).fallback(|| wrong_method("GET")),
        )
        .route("/healthz", get(alive).fallback(|| wrong_method("GET")))
        .route("/readyz", get(ready).fallback(|| wrong_method("GET")))
        .route("/metrics", get(metrics).fallback(|| wrong_method("GET")))
        .route("/explorer", get(explorer).fallback(|| wrong_method("GET")))
        .route("/explorer/", get(explorer_moved).fallback(|| wrong_method("GET")))
        .route("/explorer/{file}", get(explorer_file).fallback(|| wrong_method("GET")))
        .fallback(nothing)
        .with_state(api)
}

async fn alive() -> Response {
    problem::found("application/json", r#"{"status":"alive"}"#.to_owned())
}

async fn ready(State(api): State<Arc<Api>>) -> Response {
    problem::readiness((api.readiness)().await)
}

async fn metrics(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Response, Problem> {
    if !api.settings.public_metrics {
        let principal = auth::required(&api, &headers).await?;
        auth::require(&principal, Scope::Admin)?;
    }
    let text = (api.metrics)().await;
    Ok(problem::found("text/plain; version=0.0.4; charset=utf-8", text))
}

async fn show_schema(api: &Api, headers: &HeaderMap, sdl: &str) -> Result<Response, Problem> {
    let principal = auth::authenticate(api, headers).await?;
    if principal.is_none() && !api.settings.public_schema {
        return Err(Problem::no_token());
    }
    Ok(problem::found("text/plain; charset=utf-8", sdl.to_owned()))
}

/// The page's addresses are relative, so it is at home in one place only.
async fn explorer_moved() -> Response {
    problem::moved("../explorer")
}

async fn wrong_method(allow: &'static str) -> Problem {
    Problem::method(allow)
}

async fn nothing() -> Problem {
    let detail = "there is no such route: the API is at /v1/graphql and /v1/events, the Explorer \
                  at /explorer";
    Problem::new(Code::NotFound, detail)
}
