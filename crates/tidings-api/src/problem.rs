//! What the front door answers when it refuses: `application/problem+json` (RFC 9457). The only
//! file of the API that picks a status code, GraphQL over HTTP aside. docs/errors.md lists every
//! code for the people who meet one.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use tidings_core::{event::JsonObject, limits};
use tidings_store::StoreError;

/// Where the codes are explained.
const CODES: &str = "https://github.com/tidings-dev/tidings/blob/main/docs/errors.md";
/// Faults of one body that are told at once.
const FAULTS_MAX: usize = 20;

/// Why a request was refused. A code means the same for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Code {
    /// The body is not the JSON that it should be, or the request is not HTTP as it should be.
    Malformed,
    /// No token, or one that opens nothing.
    Unauthenticated,
    /// The token does not allow it.
    NotPermitted,
    /// No such source.
    UnknownSource,
    /// No such application.
    UnknownApplication,
    /// No such route.
    NotFound,
    /// The route is there, the method is not.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The document has no such part.
    RangeNotSatisfiable,
    /// The idempotency key was used for something else.
    IdempotencyConflict,
    /// The body is over its bound.
    TooLarge,
    /// More deliveries than one request may make.
    FanOutTooLarge,
    /// Not `application/json`, or compressed.
    UnsupportedMediaType,
    /// The source does not fire it.
    UnknownTrigger,
    /// A member of an event is wrong.
    InvalidEvent,
    /// One owner has too many requests on the way.
    RateLimited,
    /// Something here is broken.
    Internal,
    /// Too many requests are on the way.
    Overloaded,
    /// The database cannot be used at present.
    StorageUnavailable,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 19] = [
        Code::Malformed,
        Code::Unauthenticated,
        Code::NotPermitted,
        Code::UnknownSource,
        Code::UnknownApplication,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::RequestTimeout,
        Code::RangeNotSatisfiable,
        Code::IdempotencyConflict,
        Code::TooLarge,
        Code::FanOutTooLarge,
        Code::UnsupportedMediaType,
        Code::UnknownTrigger,
        Code::InvalidEvent,
        Code::RateLimited,
        Code::Internal,
        Code::Overloaded,
        Code::StorageUnavailable,
    ];

    /// Its name, its status and its title.
    fn described(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Code::Malformed => ("malformed", StatusCode::BAD_REQUEST, "The request cannot be read"),
            Code::Unauthenticated => {
                ("unauthenticated", StatusCode::UNAUTHORIZED, "A valid token is needed")
            }
            Code::NotPermitted => {
                ("not_permitted", StatusCode::FORBIDDEN, "The token does not allow this")
            }
            Code::UnknownSource => {
                ("unknown_source", StatusCode::NOT_FOUND, "There is no such source")
            }
            Code::UnknownApplication => {
                ("unknown_application", StatusCode::NOT_FOUND, "There is no such application")
            }
            Code::NotFound => ("not_found", StatusCode::NOT_FOUND, "There is nothing here"),
            Code::MethodNotAllowed => (
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "The method does not fit the route",
            ),
            Code::RequestTimeout => {
                ("request_timeout", StatusCode::REQUEST_TIMEOUT, "The request was too slow")
            }
            Code::RangeNotSatisfiable => (
                "range_not_satisfiable",
                StatusCode::RANGE_NOT_SATISFIABLE,
                "The document has no such part",
            ),
            Code::IdempotencyConflict => (
                "idempotency_conflict",
                StatusCode::CONFLICT,
                "The idempotency key was used for something else",
            ),
            Code::TooLarge => ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Code::FanOutTooLarge => (
                "fan_out_too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request would make too many deliveries",
            ),
            Code::UnsupportedMediaType => (
                "unsupported_media_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body must be application/json",
            ),
            Code::UnknownTrigger => (
                "unknown_trigger",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The source does not fire this trigger",
            ),
            Code::InvalidEvent => {
                ("invalid_event", StatusCode::UNPROCESSABLE_ENTITY, "An event is not valid")
            }
            Code::RateLimited => {
                ("rate_limited", StatusCode::TOO_MANY_REQUESTS, "Too many requests at a time")
            }
            Code::Internal => {
                ("internal", StatusCode::INTERNAL_SERVER_ERROR, "Something here is broken")
            }
            Code::Overloaded => {
                ("overloaded", StatusCode::SERVICE_UNAVAILABLE, "The server is busy")
            }
            Code::StorageUnavailable => (
                "storage_unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The database cannot be used at present",
            ),
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.described().0
    }

    /// Its HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.described().1.as_u16()
    }
}

/// One wrong place of a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Which event of the request it is in, from 0.
    pub index: usize,
    /// JSON pointer (RFC 6901) into the body.
    pub pointer: String,
    /// What is wrong, and what to write instead.
    pub detail: String,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    faults: Vec<Fault>,
    offset: Option<usize>,
    retry_after_s: Option<u32>,
    challenge: Option<&'static str>,
    allow: Option<&'static str>,
    whole_bytes: Option<u32>,
    closes: bool,
}

impl Problem {
    /// A refusal in words: what is wrong, and what to do.
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        let closes = matches!(code, Code::TooLarge | Code::RequestTimeout);
        Problem {
            code,
            detail: detail.into(),
            faults: Vec::new(),
            offset: None,
            retry_after_s: None,
            challenge: None,
            allow: None,
            whole_bytes: None,
            closes,
        }
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// No `Authorization`.
    #[must_use]
    pub fn no_token() -> Problem {
        let detail = "this needs a token: send `Authorization: Bearer TOKEN`";
        let challenge = Some("Bearer realm=\"tidings\"");
        Problem { challenge, ..Problem::new(Code::Unauthenticated, detail) }
    }

    /// A token that opens nothing. Whether it is wrong, expired or revoked is not told.
    #[must_use]
    pub fn bad_token() -> Problem {
        let detail = "the token is wrong, expired or revoked: have a new one issued";
        let challenge = Some("Bearer realm=\"tidings\", error=\"invalid_token\"");
        Problem { challenge, ..Problem::new(Code::Unauthenticated, detail) }
    }

    /// A token that an application signed, and that does not count: its issuer is told why.
    #[must_use]
    pub fn bad_jwt(detail: String) -> Problem {
        Problem { detail, ..Problem::bad_token() }
    }

    /// Not JSON, from a byte of the body on.
    #[must_use]
    pub fn malformed_at(offset: usize, what: &str) -> Problem {
        let detail = format!("the body is not the JSON that is read here: {what} at byte {offset}");
        Problem { offset: Some(offset), ..Problem::new(Code::Malformed, detail) }
    }

    /// A request that is not HTTP as it should be; the connection ends with the answer.
    #[must_use]
    pub fn broken_request(detail: &str) -> Problem {
        Problem { closes: true, ..Problem::new(Code::Malformed, detail) }
    }

    /// What is wrong with the events of a body; `faults` has at least one.
    #[must_use]
    pub fn invalid_events(mut faults: Vec<Fault>) -> Problem {
        faults.truncate(FAULTS_MAX);
        let detail = match faults.first() {
            Some(first) => first.detail.clone(),
            None => "an event is not valid".to_owned(),
        };
        Problem { faults, ..Problem::new(Code::InvalidEvent, detail) }
    }

    /// The same with the place that it is about.
    #[must_use]
    pub fn of(mut self, index: usize, pointer: impl Into<String>) -> Problem {
        let detail = self.detail.clone();
        self.faults.push(Fault { index, pointer: pointer.into(), detail });
        self
    }

    /// Over the bound of a body.
    #[must_use]
    pub fn body_too_large() -> Problem {
        let max = limits::BODY_BYTES_MAX;
        Problem::new(
            Code::TooLarge,
            format!("a body has at most {max} bytes: send several requests"),
        )
    }

    /// A refusal that will pass.
    #[must_use]
    pub fn later(code: Code, retry_after_s: u32, detail: impl Into<String>) -> Problem {
        Problem { retry_after_s: Some(retry_after_s), ..Problem::new(code, detail) }
    }

    /// Another method than the route has.
    #[must_use]
    pub fn method(allow: &'static str) -> Problem {
        let detail = format!("this route takes {allow}");
        Problem { allow: Some(allow), ..Problem::new(Code::MethodNotAllowed, detail) }
    }

    /// A part that a document of this length does not have.
    #[must_use]
    pub fn no_such_range(whole_bytes: u32) -> Problem {
        let detail = format!("the document has {whole_bytes} bytes: ask for some of these");
        let problem = Problem::new(Code::RangeNotSatisfiable, detail);
        Problem { whole_bytes: Some(whole_bytes), ..problem }
    }

    fn body(&self) -> Value {
        let (name, status, title) = self.code.described();
        let mut body = Map::new();
        body.insert("type".to_owned(), format!("{CODES}#{name}").into());
        body.insert("title".to_owned(), title.into());
        body.insert("status".to_owned(), status.as_u16().into());
        body.insert("detail".to_owned(), self.detail.clone().into());
        body.insert("code".to_owned(), name.into());
        if let Some(offset) = self.offset {
            body.insert("offset".to_owned(), offset.into());
        }
        if let Some(first) = self.faults.first() {
            body.insert("index".to_owned(), first.index.into());
            body.insert("pointer".to_owned(), first.pointer.clone().into());
        }
        if self.faults.len() > 1 {
            let faults: Vec<Value> = self.faults.iter().map(fault_body).collect();
            body.insert("problems".to_owned(), faults.into());
        }
        Value::Object(body)
    }
}

fn fault_body(fault: &Fault) -> Value {
    json!({ "index": fault.index, "pointer": fault.pointer, "detail": fault.detail })
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        tracing::error!(error = %error, "the database failed a request: {error}");
        match error {
            StoreError::Unavailable { .. } => Problem::later(
                Code::StorageUnavailable,
                5,
                "the database cannot be used at present, nothing was recorded: try again",
            ),
            StoreError::Unknown { .. } => Problem::later(
                Code::StorageUnavailable,
                5,
                "it is not known whether this was recorded: repeat it with the same idempotencyKey",
            ),
            StoreError::Corrupt { .. } => {
                Problem::new(Code::Internal, "what is stored cannot be read: see the server's log")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body().to_string()));
        *response.status_mut() = self.code.described().1;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(bytes) = self.whole_bytes {
            let range = HeaderValue::from_str(&format!("bytes */{bytes}"));
            headers.insert(header::CONTENT_RANGE, range.expect("a number is visible ASCII"));
        }
        if self.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// An answer that something was accepted: its work is on disk, and not yet done.
#[must_use]
pub fn accepted(body: &JsonObject) -> Response {
    let text = serde_json::to_string(body).expect("a JSON object always serializes");
    answer(StatusCode::ACCEPTED, "application/json", text)
}

/// An answer with all that was asked for.
#[must_use]
pub fn found(media_type: &'static str, text: String) -> Response {
    answer(StatusCode::OK, media_type, text)
}

/// A document's bytes, all of them or a part.
#[must_use]
pub fn download(headers: HeaderMap, body: Body, is_part: bool) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    *response.headers_mut() = headers;
    response
}

/// The client has what it asks for.
#[must_use]
pub fn unchanged(headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = headers;
    response
}

/// A page, or one of its files. What a browser may do with it is added by the caller.
#[must_use]
pub fn shown(media_type: &'static str, content: Bytes) -> Response {
    let mut response = Response::new(Body::from(content));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// An answer to who asks at another spelling of an address.
#[must_use]
pub fn moved(location: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(location));
    response
}

/// What a browser is told that asks whether pages of any origin may send a token.
#[must_use]
pub fn preflight(methods: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the server can work, as `/readyz` says it.
#[must_use]
pub fn readiness(ready: Result<(), String>) -> Response {
    let (status, body) = match ready {
        Ok(()) => (StatusCode::OK, json!({ "status": "ready" })),
        Err(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "not ready", "reason": why }))
        }
    };
    answer(status, "application/json", body.to_string())
}

fn answer(status: StatusCode, media_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
