//! What people write about a webhook: the inputs of `addWebhook`, `updateWebhook` and
//! `previewWebhook`.

use async_graphql::{Enum, InputObject, MaybeUndefined};
use tidings_core::webhook;
use tidings_graphql::Json;

/// Which answers count as a success.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "webhook::Success")]
pub enum Success {
    /// 200 and nothing else.
    #[graphql(name = "ONLY_200")]
    Only200,
    /// 200 to 299.
    #[graphql(name = "ANY_2XX")]
    Any2xx,
}

/// Whether every attempt of a delivery sends the same bytes.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "webhook::PayloadMode")]
pub enum PayloadMode {
    /// The same bytes, as they were before the first attempt.
    Frozen,
    /// The query runs again before each attempt.
    Fresh,
}

/// What is done when the query's response has an error with a certain code.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "webhook::ErrorAction")]
pub enum ErrorAction {
    /// The response is sent with its errors.
    Deliver,
    /// The query is run again, for up to 24 hours.
    Retry,
    /// Nothing is sent, and the delivery ends as suppressed.
    Drop,
    /// The webhook is put on hold until its owner mends it.
    Hold,
}

/// The query for one trigger of a webhook.
#[derive(InputObject, Clone, Debug)]
pub struct TriggerQueryInput {
    /// One of the webhook's triggers.
    pub trigger: String,
    /// The query that runs when it fires.
    pub query: String,
}

/// A header that is added to every request.
#[derive(InputObject, Clone, Debug)]
pub struct HeaderInput {
    /// Its name. Those that the delivery itself sets cannot be given.
    pub name: String,
    /// Its value: visible ASCII. It is encrypted, and never shown again.
    pub value: String,
}

/// When failed attempts are repeated.
#[derive(InputObject, Clone, Debug)]
pub struct RetryInput {
    /// Seconds from the end of one attempt to the start of the next, 1 to 86400; the last is
    /// repeated. Left out: 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, 4 h, then every 6 h.
    pub delays_s: Option<Vec<i32>>,
    /// Seconds from the first attempt to the last, at most 259200 (72 h), which is also what counts
    /// when it is left out.
    pub horizon_s: Option<i32>,
}

/// What is done about one code of errors in the query's response.
#[derive(InputObject, Clone, Debug)]
pub struct ErrorRuleInput {
    /// The error's `extensions.code`.
    pub code: String,
    /// What is done.
    pub action: ErrorAction,
}

/// A webhook that is to be.
#[derive(InputObject, Clone, Debug)]
pub struct AddWebhookInput {
    /// The application that will own it. Needed with an operator's token; other tokens add for
    /// their own application.
    pub application: Option<String>,
    /// What its owner calls it: 1 to 200 characters.
    pub name: String,
    /// The source that its queries run on. May be left out where there is only one.
    pub source: Option<String>,
    /// The triggers that it listens to: 1 to 64.
    pub triggers: Vec<String>,
    /// Where it is sent: an https URL.
    pub url: String,
    /// The query for every trigger that has none in `queries`. `$id` is the entity's id.
    pub query: Option<String>,
    /// Queries for single triggers.
    pub queries: Option<Vec<TriggerQueryInput>>,
    /// Values for the variables that the queries declare: an object.
    pub variables: Option<Json>,
    /// The shared key that signs. Left out: a strong one is made and shown once. null: unsigned.
    /// `whsec_…`: decoded. Anything else of 12 to 256 bytes is taken as it is.
    pub key: MaybeUndefined<String>,
    /// Milliseconds in which an attempt must be answered: 100 to 30000, which is also what counts
    /// when it is left out.
    pub timeout_ms: Option<i32>,
    /// Which answers count as a success.
    #[graphql(default_with = "Some(Success::Only200)")]
    pub success: Option<Success>,
    /// When failed attempts are repeated.
    pub retry: Option<RetryInput>,
    /// Whether every attempt sends the same bytes.
    #[graphql(default_with = "Some(PayloadMode::Frozen)")]
    pub payload: Option<PayloadMode>,
    /// Headers that are added to every request: at most 16.
    pub headers: Option<Vec<HeaderInput>>,
    /// What is done about errors in the query's response, by their code: at most 32.
    pub errors: Option<Vec<ErrorRuleInput>>,
}

/// What is to change about a webhook. What is left out stays as it is; null goes back to what
/// counts when nothing is given.
#[derive(InputObject, Clone, Debug)]
pub struct UpdateWebhookInput {
    /// What its owner calls it: 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// The source that its queries run on.
    pub source: MaybeUndefined<String>,
    /// The triggers that it listens to: 1 to 64.
    pub triggers: MaybeUndefined<Vec<String>>,
    /// Where it is sent: an https URL.
    pub url: MaybeUndefined<String>,
    /// The query for every trigger that has none in `queries`.
    pub query: MaybeUndefined<String>,
    /// Queries for single triggers, replacing those that there were.
    pub queries: MaybeUndefined<Vec<TriggerQueryInput>>,
    /// Values for the variables that the queries declare, replacing those that there were.
    pub variables: MaybeUndefined<Json>,
    /// The shared key that signs, from now on and alone; `rotateWebhookKey` changes it without a
    /// gap. null: unsigned.
    pub key: MaybeUndefined<String>,
    /// Milliseconds in which an attempt must be answered: 100 to 30000.
    pub timeout_ms: MaybeUndefined<i32>,
    /// Which answers count as a success.
    pub success: MaybeUndefined<Success>,
    /// When failed attempts are repeated.
    pub retry: MaybeUndefined<RetryInput>,
    /// Whether every attempt sends the same bytes.
    pub payload: MaybeUndefined<PayloadMode>,
    /// Headers that are added to every request, replacing those that there were.
    pub headers: MaybeUndefined<Vec<HeaderInput>>,
    /// What is done about errors in the query's response, replacing what there was.
    pub errors: MaybeUndefined<Vec<ErrorRuleInput>>,
}

impl AddWebhookInput {
    /// The same as a change of a webhook that has nothing yet.
    #[must_use]
    pub fn into_change(self) -> UpdateWebhookInput {
        UpdateWebhookInput {
            name: MaybeUndefined::Value(self.name),
            source: given(self.source),
            triggers: MaybeUndefined::Value(self.triggers),
            url: MaybeUndefined::Value(self.url),
            query: given(self.query),
            queries: given(self.queries),
            variables: given(self.variables),
            key: self.key,
            timeout_ms: given(self.timeout_ms),
            success: given(self.success),
            retry: given(self.retry),
            payload: given(self.payload),
            headers: given(self.headers),
            errors: given(self.errors),
        }
    }
}

/// In what is added, null says no more than nothing.
fn given<T>(value: Option<T>) -> MaybeUndefined<T> {
    value.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value)
}
