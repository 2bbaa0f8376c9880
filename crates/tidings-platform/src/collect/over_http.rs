//! Asking adapters over HTTP, through the only way out. docs/adapters.md is the protocol.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use serde::Serialize;
use tidings_core::{outcome::parse_retry_after, time::Elapsed};
use tidings_egress::{Answer as Got, Egress, OpenAnswer, Outgoing, SendLimits, Target};
use tidings_store::Clock;
use tokio::time::timeout;
use tracing::debug;

use super::{
    adapter::{AdapterTrouble, Adapters, Fetched},
    protocol::{
        ANSWER_BYTES_MAX, Answer, BYTES_TYPE, CheckAnswer, CollectAnswer, CollectCall, Credential,
        CredentialsCall, Description, DocumentAnswer, DocumentCall, JSON_TYPE, Operation,
        QuickCheckAnswer, read_answer,
    },
};

/// How long an answer in JSON may take behind its head.
const JSON_BODY_MS_MAX: u64 = 30_000;
/// How long the bytes of a document may stand still.
const STALL_MS_MAX: u64 = 30_000;
/// How long they may take in all, so that nobody keeps a place by dripping.
const DOCUMENT_MS_MAX: u64 = 10 * 60_000;

/// Asks adapters over HTTP.
pub struct AdaptersOverHttp {
    egress: Egress,
    clock: Arc<dyn Clock>,
    user_agent: HeaderValue,
}

impl AdaptersOverHttp {
    /// Asks through this way out, under that name.
    #[must_use]
    pub fn new(egress: Egress, clock: Arc<dyn Clock>, user_agent: &str) -> AdaptersOverHttp {
        let user_agent = HeaderValue::from_str(user_agent)
            .unwrap_or_else(|_| HeaderValue::from_static("tidings"));
        AdaptersOverHttp { egress, clock, user_agent }
    }

    /// Where an operation of an adapter is. Parsed at each call: the operator's policy may have
    /// become stricter since the URL was saved.
    fn target(&self, url: &str, operation: Operation) -> Result<Target, AdapterTrouble> {
        self.egress.target(&operation.url(url)).map_err(AdapterTrouble::of)
    }

    fn outgoing<B: Serialize>(&self, operation: Operation, body: Option<&B>) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static(JSON_TYPE));
        let body = body.map(|body| serde_json::to_vec(body).expect("a call is names and values"));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_TYPE));
        }
        if operation == Operation::Document {
            headers.insert(ACCEPT, HeaderValue::from_static("application/octet-stream, */*"));
        }
        let method = if operation.method() == "GET" { Method::GET } else { Method::POST };
        Outgoing { method, headers, body: Bytes::from(body.unwrap_or_default()) }
    }

    /// Asks for an answer in JSON.
    async fn ask<B: Serialize + Sync, A: Answer>(
        &self,
        url: &str,
        operation: Operation,
        body: Option<&B>,
    ) -> Result<A, AdapterTrouble> {
        let target = self.target(url, operation)?;
        let limits = SendLimits {
            timeout: Duration::from_millis(operation.answer_ms_max()),
            // One more than allowed, so that what is too long is known as such.
            body_bytes_max: ANSWER_BYTES_MAX + 1,
            body_time: Duration::from_millis(JSON_BODY_MS_MAX),
        };
        let answer = self.egress.send(&target, self.outgoing(operation, body), &limits).await;
        let answer = answer.map_err(|failure| told(operation, failure))?;
        debug!(adapter.operation = operation.name(), status = answer.status, "an adapter answered");
        self.refuse_status(operation, answer.status, &answer.headers)?;
        let Got { headers, body, body_truncated, .. } = answer;
        if body_truncated && body.len() <= ANSWER_BYTES_MAX {
            return Err(told(operation, "the answer broke off"));
        }
        refuse_type(operation, &headers, JSON_TYPE)?;
        read_answer(&body).map_err(|fault| told(operation, fault))
    }

    /// Refuses what is no answer.
    fn refuse_status(
        &self,
        operation: Operation,
        status: u16,
        headers: &HeaderMap,
    ) -> Result<(), AdapterTrouble> {
        if status == 200 {
            return Ok(());
        }
        let mut values = headers.get_all(RETRY_AFTER).iter();
        let one = values.next().filter(|_| values.next().is_none());
        let text = one.filter(|_| matches!(status, 429 | 503)).and_then(|it| it.to_str().ok());
        let retry_after_ms = text.and_then(|text| parse_retry_after(text, self.clock.now().wall));
        let AdapterTrouble { why, .. } = told(operation, format!("the status {status}"));
        Err(AdapterTrouble { why, retry_after_ms })
    }
}

fn told(operation: Operation, what: impl std::fmt::Display) -> AdapterTrouble {
    AdapterTrouble::of(format!("`{}`: {what}", operation.name()))
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split_once(';').map_or(value, |(media_type, _)| media_type).trim()
}

fn refuse_type(
    operation: Operation,
    headers: &HeaderMap,
    wanted: &str,
) -> Result<(), AdapterTrouble> {
    if media_type(headers).eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(told(operation, format!("the answer is not `{wanted}`")))
}

/// The body of `describe`, which has none.
const NOTHING: Option<&()> = None;

#[async_trait]
impl Adapters for AdaptersOverHttp {
    fn check_url(&self, url: &str) -> Result<(), String> {
        if url.contains('?') {
            return Err(
                "leave out the part from `?` on: the names of calls are appended".to_owned()
            );
        }
        self.egress.target(&Operation::Describe.url(url)).map(|_| ()).map_err(|it| it.to_string())
    }

    async fn describe(&self, url: &str) -> Result<Description, AdapterTrouble> {
        self.ask(url, Operation::Describe, NOTHING).await
    }

    async fn check(
        &self,
        url: &str,
        credentials: &[Credential],
    ) -> Result<CheckAnswer, AdapterTrouble> {
        let call = CredentialsCall { credentials: credentials.to_vec() };
        self.ask(url, Operation::Check, Some(&call)).await
    }

    async fn quick_check(
        &self,
        url: &str,
        credentials: &[Credential],
    ) -> Result<QuickCheckAnswer, AdapterTrouble> {
        let call = CredentialsCall { credentials: credentials.to_vec() };
        self.ask(url, Operation::QuickCheck, Some(&call)).await
    }

    async fn collect(
        &self,
        url: &str,
        credentials: &[Credential],
        cursor: Option<&str>,
    ) -> Result<CollectAnswer, AdapterTrouble> {
        let cursor = cursor.map(str::to_owned);
        let call = CollectCall { credentials: credentials.to_vec(), cursor };
        self.ask(url, Operation::Collect, Some(&call)).await
    }

    async fn document(
        &self,
        url: &str,
        credentials: &[Credential],
        key: &str,
    ) -> Result<Fetched, AdapterTrouble> {
        let operation = Operation::Document;
        let target = self.target(url, operation)?;
        let call = DocumentCall { credentials: credentials.to_vec(), key: key.to_owned() };
        let outgoing = self.outgoing(operation, Some(&call));
        let within = Duration::from_millis(operation.answer_ms_max());
        let answer = self.egress.open(&target, outgoing, within).await;
        let mut answer = answer.map_err(|failure| told(operation, failure))?;
        let patience = Patience::new(&self.clock);
        self.refuse_status(operation, answer.status, &answer.headers)?;
        if media_type(&answer.headers).eq_ignore_ascii_case(JSON_TYPE) {
            let text = whole(&mut answer, &patience).await?;
            let told: DocumentAnswer = read_answer(&text).map_err(|it| told(operation, it))?;
            return Ok(Fetched::Told(told));
        }
        refuse_type(operation, &answer.headers, BYTES_TYPE)?;
        Ok(Fetched::Bytes(pieces(answer, patience).boxed()))
    }
}

/// How long the bytes of one document are waited for in all.
struct Patience {
    clock: Arc<dyn Clock>,
    until: Elapsed,
}

impl Patience {
    fn new(clock: &Arc<dyn Clock>) -> Patience {
        let until = clock.now().elapsed.plus_ms(DOCUMENT_MS_MAX);
        Patience { clock: Arc::clone(clock), until }
    }

    fn is_over(&self) -> bool {
        self.clock.now().elapsed >= self.until
    }
}

/// An answer in JSON, as far as it may be long.
async fn whole(answer: &mut OpenAnswer, patience: &Patience) -> Result<Vec<u8>, AdapterTrouble> {
    let mut text = Vec::new();
    while let Some(piece) = piece(answer, patience).await {
        text.extend_from_slice(&piece?);
        if text.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(text)
}

async fn piece(
    answer: &mut OpenAnswer,
    patience: &Patience,
) -> Option<Result<Bytes, AdapterTrouble>> {
    let operation = Operation::Document;
    if patience.is_over() {
        return Some(Err(told(operation, "the bytes did not come to an end")));
    }
    match timeout(Duration::from_millis(STALL_MS_MAX), answer.next()).await {
        Ok(piece) => piece.map(|piece| piece.map_err(|failure| told(operation, failure))),
        Err(_) => Some(Err(told(operation, "the bytes stood still"))),
    }
}

/// The pieces of a document; after an error there are none.
fn pieces(
    answer: OpenAnswer,
    patience: Patience,
) -> impl stream::Stream<Item = Result<Bytes, AdapterTrouble>> {
    stream::unfold(Some((answer, patience)), async |state| {
        let (mut answer, patience) = state?;
        let piece = piece(&mut answer, &patience).await?;
        let goes_on = piece.is_ok();
        Some((piece, goes_on.then_some((answer, patience))))
    })
}
