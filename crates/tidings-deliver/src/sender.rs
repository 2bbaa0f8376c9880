//! The POST, through the only way out.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tidings_core::{
    limits::{ANSWER_BODY_BYTES_MAX, ANSWER_BODY_MS_MAX, ANSWER_HEADER_BYTES_MAX},
    outcome::Failure,
};
use tidings_egress::{Egress, FailureClass, Outgoing, SendFailure, SendLimits};
use tracing::debug;

/// A request that is ready to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// The headers, in lower case, without those of the connection.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// From the start of the attempt to the end of the answer's header block.
    pub timeout_ms: u32,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Posted {
    /// An answer.
    Answered {
        /// Its status.
        status: u16,
        /// Its headers, as far as they are kept.
        headers: Vec<(String, String)>,
        /// Its body, as far as it is kept.
        body: Bytes,
        /// Whether there was more.
        body_truncated: bool,
    },
    /// No answer.
    Failed {
        /// Why not.
        why: Failure,
        /// The same, for the webhook's owner.
        text: String,
    },
    /// Nothing was sent because of this machine: no fault of the endpoint.
    NotSent {
        /// Why not.
        text: String,
    },
}

/// Sends requests.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Sends one and reads the answer. A try that fails is a value.
    async fn post(&self, post: &Post) -> Posted;
}

/// Sends through [`Egress`].
#[derive(Clone)]
pub struct EgressSender {
    egress: Egress,
}

impl EgressSender {
    /// Sends through this way out.
    #[must_use]
    pub fn new(egress: Egress) -> EgressSender {
        EgressSender { egress }
    }
}

#[async_trait]
impl Sender for EgressSender {
    async fn post(&self, post: &Post) -> Posted {
        // Parsed again although it was when it was saved: the operator's policy may have become
        // stricter since.
        let target = match self.egress.target(&post.url) {
            Ok(target) => target,
            Err(refused) => {
                return Posted::Failed { why: Failure::Connect, text: refused.to_string() };
            }
        };
        let outgoing = Outgoing {
            method: Method::POST,
            headers: header_map(&post.headers),
            body: post.body.clone(),
        };
        let limits = SendLimits {
            timeout: Duration::from_millis(u64::from(post.timeout_ms)),
            body_bytes_max: ANSWER_BODY_BYTES_MAX,
            body_time: Duration::from_millis(ANSWER_BODY_MS_MAX),
        };
        match self.egress.send(&target, outgoing, &limits).await {
            Ok(answer) => Posted::Answered {
                status: answer.status,
                headers: kept_headers(&answer.headers),
                body: answer.body,
                body_truncated: answer.body_truncated,
            },
            Err(failure) => {
                debug!(endpoint = %target, error = %failure, "no answer: {failure}");
                failed(&failure)
            }
        }
    }
}

fn failed(failure: &SendFailure) -> Posted {
    let text = failure.public_text();
    let why = match failure.public_class() {
        FailureClass::Local => return Posted::NotSent { text },
        FailureClass::Denied | FailureClass::Connect => Failure::Connect,
        FailureClass::Dns => Failure::Dns,
        FailureClass::Tls => Failure::Tls,
        FailureClass::Timeout => Failure::Timeout,
        FailureClass::Broken | FailureClass::NotHttp => Failure::Broken,
    };
    Posted::Failed { why, text }
}

fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let typed = headers.iter().filter_map(|(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
    });
    typed.collect()
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut room = ANSWER_HEADER_BYTES_MAX;
    let mut kept = Vec::new();
    // What the retry depends on comes first, so that no flood of headers crowds it out.
    let (first, rest): (Vec<_>, Vec<_>) =
        headers.iter().partition(|(name, _)| **name == http::header::RETRY_AFTER);
    for (name, value) in first.into_iter().chain(rest) {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else { break };
        room = left;
        kept.push((name.as_str().to_owned(), value));
    }
    kept
}
