//! Reading a request's body: what it says of itself is judged first, then no more than the bound is
//! taken in, in bounded time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tidings_core::limits::BODY_BYTES_MAX;

use crate::problem::{Code, Problem};

/// The JSON body of a request, its bytes as they came.
///
/// # Errors
/// `unsupported_media_type` unless it is plain `application/json`, `too_large` over
/// [`BODY_BYTES_MAX`], `request_timeout` after `ms_max`, `malformed` when it breaks off.
pub async fn read_json(headers: &HeaderMap, body: Body, ms_max: u64) -> Result<Bytes, Problem> {
    check_media_type(headers)?;
    check_length(headers)?;
    let limited = Limited::new(body, BODY_BYTES_MAX);
    let read = tokio::time::timeout(Duration::from_millis(ms_max), limited.collect()).await;
    let Ok(read) = read else {
        let detail = format!("the body did not arrive within {ms_max} ms: send it faster");
        return Err(Problem::new(Code::RequestTimeout, detail));
    };
    read.map(|collected| collected.to_bytes()).map_err(|error| {
        if error.is::<LengthLimitError>() {
            Problem::body_too_large()
        } else {
            Problem::broken_request("the body broke off before its end")
        }
    })
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(Code::UnsupportedMediaType, detail));
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return refused("compressed bodies are not read: send it without Content-Encoding");
    }
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(value) = value else {
        return refused("the body has no Content-Type: send `Content-Type: application/json`");
    };
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.filter(|part| !part.is_empty()).all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim_matches('"');
        !name.eq_ignore_ascii_case("charset") || value.eq_ignore_ascii_case("utf-8")
    });
    if is_json && is_utf8 {
        return Ok(());
    }
    refused("only JSON in UTF-8 is read: send `Content-Type: application/json`")
}

fn check_length(headers: &HeaderMap) -> Result<(), Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length = length.map(str::parse::<u64>);
    match length {
        Some(Ok(length)) if length > BODY_BYTES_MAX as u64 => Err(Problem::body_too_large()),
        Some(Err(_)) => Err(Problem::broken_request("the Content-Length is not a number")),
        _ => Ok(()),
    }
}
