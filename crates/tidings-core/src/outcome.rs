//! What one try at a delivery came to: a value. A refused connection is what we are here for, not
//! an error.

use serde::{Deserialize, Serialize};

use crate::{
    time::{SECOND_MS, Wall},
    webhook::Success,
};

/// What an attempt came to.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// The receiver has it.
    Accepted,
    /// The receiver never wants it again: 410.
    Gone,
    /// Anything else.
    Failed {
        /// What went wrong.
        why: Failure,
        /// How long the receiver asked to be left alone.
        retry_after_ms: Option<u64>,
    },
}

/// Why an attempt failed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Failure {
    /// An answer, but not the one that counts.
    Status(u16),
    /// No answer in time.
    Timeout,
    /// No connection: refused, unreachable, or an address that policy forbids. One class, so that
    /// nobody maps a network by it.
    Connect,
    /// The name does not resolve.
    Dns,
    /// No TLS connection.
    Tls,
    /// The connection broke before the answer's header block ended, or what came was not HTTP.
    Broken,
}

impl Outcome {
    /// Its name in the API, in logs and in metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Accepted => "ACCEPTED",
            Outcome::Gone => "GONE",
            Outcome::Failed { why, .. } => why.as_str(),
        }
    }

    /// Whether the endpoint asked for less: 429, 502, 503, 504.
    #[must_use]
    pub fn asks_for_less(&self) -> bool {
        matches!(self, Outcome::Failed { why: Failure::Status(429 | 502 | 503 | 504), .. })
    }
}

impl Failure {
    /// Its name in the API, in logs and in metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Failure::Status(_) => "STATUS",
            Failure::Timeout => "TIMEOUT",
            Failure::Connect => "CONNECT",
            Failure::Dns => "DNS",
            Failure::Tls => "TLS",
            Failure::Broken => "BROKEN",
        }
    }
}

/// Reads an answer. `retry_after` is the header's one value, where exactly one was sent.
#[must_use]
pub fn classify(status: u16, success: Success, retry_after: Option<&str>, now: Wall) -> Outcome {
    match status {
        200 => Outcome::Accepted,
        201..=299 if success == Success::Any2xx => Outcome::Accepted,
        410 => Outcome::Gone,
        _ => {
            let honoured = matches!(status, 429 | 503);
            let retry_after_ms =
                retry_after.filter(|_| honoured).and_then(|text| parse_retry_after(text, now));
            Outcome::Failed { why: Failure::Status(status), retry_after_ms }
        }
    }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): whole seconds, or an HTTP date. Milliseconds
/// from now; `None` for anything else. A date that has passed is 0.
#[must_use]
pub fn parse_retry_after(text: &str, now: Wall) -> Option<u64> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
        return Some(seconds.saturating_mul(SECOND_MS));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since_1970 = date.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let date_ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
    Some(u64::try_from(date_ms.saturating_sub(now.0)).unwrap_or(0))
}

/// One try at a delivery, numbered from 1. Immutable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number.
    pub number: u32,
    /// When it began, as people see it.
    pub started_at: Wall,
    /// How long it took, to the end of the answer's header block.
    pub duration_ms: u64,
    /// What it came to.
    pub outcome: Outcome,
    /// The answer's status, where there was an answer.
    pub status: Option<u16>,
    /// What went wrong, in words that tell nothing of the network behind the endpoint.
    pub error: Option<String>,
    /// The request's headers, those with secrets masked.
    pub request_headers: Vec<(String, String)>,
    /// The answer's headers, as far as they were kept.
    pub response_headers: Vec<(String, String)>,
    /// The answer's body, as far as it was kept.
    pub response_body: bytes::Bytes,
    /// Whether there was more of it.
    pub response_body_truncated: bool,
}

impl Attempt {
    /// Leaves out what the receiver said: it may have said again what it was sent.
    pub fn forget_answer(&mut self) {
        self.response_headers.clear();
        self.response_body.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: u16) -> Outcome {
        Outcome::Failed { why: Failure::Status(status), retry_after_ms: None }
    }

    #[test]
    fn only_200_is_a_success_unless_the_webhook_takes_any_2xx() {
        for status in 100..=999 {
            let only_200 = classify(status, Success::Only200, None, Wall(0));
            let any_2xx = classify(status, Success::Any2xx, None, Wall(0));
            match status {
                200 => assert_eq!((only_200, any_2xx), (Outcome::Accepted, Outcome::Accepted)),
                201..=299 => assert_eq!((only_200, any_2xx), (failed(status), Outcome::Accepted)),
                410 => assert_eq!((only_200, any_2xx), (Outcome::Gone, Outcome::Gone)),
                _ => assert_eq!((only_200, any_2xx), (failed(status), failed(status))),
            }
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_anything_else_is_ignored() {
        let now = Wall(1_613_551_727_284);
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse_retry_after(text, now), expected, "{text}");
        };
        check("0", Some(0));
        check(" 120 ", Some(120_000));
        check("99999999999", Some(99_999_999_999_000));
        check("99999999999999999999999999", Some(u64::MAX));
        check("Wed, 17 Feb 2021 08:49:47 GMT", Some(59_716));
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        for text in ["", "-5", "1.5", "+3", "soon", "2099-01-01T00:00:00Z", &"9".repeat(10_000)] {
            check(text, None);
        }
    }

    #[test]
    fn retry_after_counts_with_429_and_503_alone() {
        for status in [429, 503, 500, 302] {
            let Outcome::Failed { retry_after_ms, .. } =
                classify(status, Success::Only200, Some("7"), Wall(0))
            else {
                panic!("{status} is a failure");
            };
            assert_eq!(retry_after_ms.is_some(), matches!(status, 429 | 503));
        }
    }
}
