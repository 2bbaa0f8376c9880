//! Every answer of Auth Link: the only place that chooses a status or writes a header.

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};

use super::{pages, quota::Exceeded};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// A page, and where its forms may lead to beside our own origin.
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) html: String,
    /// The place of the application, in a policy's spelling.
    pub(super) place: Option<String>,
}

fn response(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A page with its policies.
pub(super) fn page(page: Page) -> Response {
    let mut answer = response(page.status, "text/html; charset=utf-8", page.html);
    let place = page.place.map(|place| format!(" {place}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{place}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = answer.headers_mut();
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    ));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(
        PERMISSIONS_POLICY,
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    answer
}

/// Sends the browser on with a GET.
pub(super) fn see_other(place: &str) -> Response {
    let mut answer = response(303, "text/plain; charset=utf-8", Body::empty());
    match HeaderValue::try_from(place) {
        Ok(place) => {
            answer.headers_mut().insert(header::LOCATION, place);
            answer
        }
        Err(_) => response(400, "text/plain; charset=utf-8", "the redirect URI is no header's"),
    }
}

/// The same with a cookie.
pub(super) fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

/// An answer for programs, of any origin: no cookie counts for it.
pub(super) fn json(status: u16, body: &Value) -> Response {
    open(response(status, "application/json", body.to_string()))
}

fn open(mut answer: Response) -> Response {
    let any = HeaderValue::from_static("*");
    answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    answer.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}

/// What a browser asks before it sends a client's secret or a token from another origin.
pub(super) async fn preflight() -> Response {
    let mut answer = open(response(204, "text/plain; charset=utf-8", Body::empty()));
    let headers = answer.headers_mut();
    let methods = HeaderValue::from_static("POST");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let allowed = HeaderValue::from_static("authorization, content-type");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    answer
}

/// The route is there, for other methods: the router names them in `Allow`.
pub(super) async fn wrong_method() -> Response {
    let description = "this route takes other methods: Allow names them";
    json(405, &json!({ "error": "invalid_request", "error_description": description }))
}

/// A client that used `Authorization: Basic` is told so (RFC 6749, section 5.2).
pub(super) fn asking_for_basic(mut answer: Response) -> Response {
    let basic = HeaderValue::from_static("Basic realm=\"tidings\", charset=\"UTF-8\"");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    answer
}

/// Tokens are refused for a while.
pub(super) fn too_many_tokens(exceeded: Exceeded) -> Response {
    let description = "too many refused requests: wait as Retry-After says";
    let told = json!({ "error": "temporarily_unavailable", "error_description": description });
    waiting(json(429, &told), exceeded)
}

/// An answer that says how long to wait.
pub(super) fn waiting(mut answer: Response, exceeded: Exceeded) -> Response {
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(exceeded.wait_s));
    answer
}

/// The pages' only stylesheet. Its address changes with it.
pub(super) async fn style() -> Response {
    let mut answer = response(200, "text/css; charset=utf-8", pages::STYLE);
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    answer.headers_mut().insert(header::CACHE_CONTROL, kept);
    answer
}

/// The pages' icon.
pub(super) async fn icon() -> Response {
    let mut answer = response(200, "image/svg+xml", pages::ICON);
    let kept = HeaderValue::from_static("public, max-age=86400");
    answer.headers_mut().insert(header::CACHE_CONTROL, kept);
    answer
}
