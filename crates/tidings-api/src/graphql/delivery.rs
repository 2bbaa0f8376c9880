//! Deliveries and their attempts: what became of each event for each webhook, and why.

use std::sync::Arc;

use async_graphql::{Context, Error, ID, Object, SimpleObject};
use tidings_core::{
    access::Scope,
    delivery::{Reason, ReasonCode, State},
    ids::DeliveryId,
    outcome,
    time::Wall,
    webhook::Status,
};
use tidings_graphql::{DateTime, ListPage, OperationFailure, Thing, result_union};
use tidings_store::{DeliveryView, ShownState};

use super::{
    asker::{Asker, as_error, not_found, page, parse_id, shown, store_error, store_failure},
    event::Event,
    filter::{DeliveryFilter, DeliveryState},
    webhook::{Header, Webhook, wall_of},
};

/// The name of the list in its cursors.
const LIST: &str = "deliveries";

/// The duty to bring one event to one webhook.
#[derive(Clone, Debug)]
pub struct Delivery(pub(super) DeliveryView);

/// One try at a delivery.
#[derive(SimpleObject, Clone, Debug)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When it began.
    pub started: DateTime,
    /// Milliseconds to the end of the answer's header block, or to what ended it.
    pub duration_ms: u64,
    /// What it came to: `ACCEPTED`, `GONE`, `STATUS`, `TIMEOUT`, `CONNECT`, `DNS`, `TLS` or
    /// `BROKEN`.
    pub outcome: String,
    /// The answer's status, where there was an answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// The request's headers; secrets are masked.
    pub request_headers: Vec<Header>,
    /// The answer's headers, as far as they were kept.
    pub response_headers: Vec<Header>,
    /// The beginning of the answer's body; what is not UTF-8 is replaced. Null where there was no
    /// answer.
    pub response_body: Option<String>,
    /// Whether there was more of it.
    pub response_body_truncated: bool,
}

impl From<outcome::Attempt> for Attempt {
    fn from(stored: outcome::Attempt) -> Attempt {
        let header = |(name, value)| Header { name, value };
        let body = String::from_utf8_lossy(&stored.response_body).into_owned();
        Attempt {
            number: stored.number,
            started: stored.started_at.into(),
            duration_ms: stored.duration_ms,
            outcome: stored.outcome.as_str().to_owned(),
            status: stored.status,
            error: stored.error,
            request_headers: stored.request_headers.into_iter().map(header).collect(),
            response_headers: stored.response_headers.into_iter().map(header).collect(),
            response_body: stored.status.map(|_| body),
            response_body_truncated: stored.response_body_truncated,
        }
    }
}

/// The duty to bring one event to one webhook.
#[Object]
impl Delivery {
    /// Its id: the `webhook.id` that the receiver sees.
    async fn id(&self) -> ID {
        self.0.delivery.id.to_string().into()
    }

    /// The event that is delivered.
    async fn event(&self) -> Event {
        Event(Arc::clone(&self.0.event))
    }

    /// The webhook that it is delivered to, also one that was deleted since.
    async fn webhook(&self) -> Webhook {
        Webhook(Arc::clone(&self.0.webhook))
    }

    /// Where it stands.
    async fn state(&self) -> DeliveryState {
        self.0.shown.into()
    }

    /// Why it is there: a name that stays the same, a colon, and words.
    async fn reason(&self, context: &Context<'_>) -> Result<Option<String>, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        let stored = self.0.delivery.state.reason().map(reason_text);
        Ok(match (self.0.shown, self.0.held_back_until) {
            (ShownState::Held, _) => Some(held_reason(&self.0.webhook.status)),
            (ShownState::Pending, Some(until)) => {
                let until = wall_of(until, asker.now());
                Some(held_back_reason(until, stored.as_deref()))
            }
            _ => stored,
        })
    }

    /// When its next attempt may start; null while one is on its way, and once it is final.
    async fn due(&self, context: &Context<'_>) -> Result<Option<DateTime>, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        Ok(match self.0.delivery.state {
            State::Pending { due_at, .. } => Some(wall_of(due_at, asker.now()).into()),
            _ => None,
        })
    }

    /// The end of its 72 hours; null until they have begun.
    async fn deadline(&self, context: &Context<'_>) -> Result<Option<DateTime>, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        Ok(self.0.deadline.map(|deadline| wall_of(deadline, asker.now()).into()))
    }

    /// The body, once it was composed: the bytes that are signed and sent.
    async fn payload(&self, context: &Context<'_>) -> Result<Option<String>, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        let payload = asker.api.store.payload(self.0.delivery.id).await;
        let payload = payload.map_err(store_error)?;
        Ok(payload.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Bytes of the body.
    async fn payload_bytes(&self) -> Option<usize> {
        self.0.payload_bytes
    }

    /// The delivery that this one repeats.
    async fn replay_of(&self) -> Option<ID> {
        let id = self.0.delivery.id;
        let original = DeliveryId::new(id.event(), id.webhook(), 0);
        (id.replay() > 0).then(|| original.to_string().into())
    }

    /// Whether a person asked for it to test the webhook.
    async fn test(&self) -> bool {
        self.0.delivery.test
    }

    /// The tries, in their order.
    async fn attempts(&self, context: &Context<'_>) -> Result<Vec<Attempt>, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        let attempts = asker.api.store.attempts(self.0.delivery.id).await;
        let attempts = attempts.map_err(store_error)?;
        Ok(attempts.into_iter().map(Attempt::from).collect())
    }

    /// When it came into being.
    async fn added(&self) -> DateTime {
        self.0.delivery.added_at.into()
    }

    /// When it ended.
    async fn finished(&self) -> Option<DateTime> {
        self.0.delivery.finished_at.map(Into::into)
    }
}

fn reason_text(reason: &Reason) -> String {
    if reason.detail.is_empty() {
        return reason.code.as_str().to_owned();
    }
    format!("{}: {}", reason.code.as_str(), reason.detail)
}

/// An open breaker holds it back: until when, and what its own last attempt came to.
fn held_back_reason(until: Wall, last: Option<&str>) -> String {
    let last = last.map_or(String::new(), |last| format!("; {last}"));
    let code = ReasonCode::EndpointDown.as_str();
    format!(
        "{code}: its endpoint failed again and again and is tried by one delivery at a time, the \
         next not before {until}; waiting uses up no attempts{last}"
    )
}

fn held_reason(status: &Status) -> String {
    match status {
        Status::Active => "PENDING".to_owned(),
        Status::Paused => "PAUSED: the webhook's owner paused it".to_owned(),
        Status::Held { why, .. } => format!("HELD: {why}"),
        Status::Disabled { why } => format!("DISABLED: {why}"),
    }
}

/// The delivery with this id, if the asker sees it.
pub(super) async fn find(asker: &Asker<'_>, id: &str) -> Result<DeliveryView, OperationFailure> {
    let number: DeliveryId = parse_id(Thing::Delivery, id)?;
    let found = asker.api.store.delivery(asker.now(), number).await.map_err(store_failure)?;
    let found = found.filter(|view| asker.principal.sees(view.delivery.application));
    found.ok_or_else(|| not_found(Thing::Delivery, id))
}

/// A page of deliveries, newest first.
pub(super) async fn list(
    context: &Context<'_>,
    filter: DeliveryFilter,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<ListPage<Delivery>, Error> {
    let asker = Asker::with(context, &[Scope::ReadDeliveries]).map_err(as_error)?;
    let page = page(LIST, first, after)?;
    let filter = filter.resolve(&asker).await.map_err(as_error)?;
    let found = asker.api.store.deliveries(asker.now(), filter, page).await;
    let found = found.map_err(store_error)?;
    Ok(shown(LIST, found, |one| one.delivery.id.to_string(), Delivery))
}

result_union! {
    /// A delivery, or why it is not shown.
    GetDeliveryResult(Delivery)
}

/// Queries about deliveries. All need the scope `read:deliveries`.
#[derive(Default, Debug)]
pub struct DeliveryQuery;

#[Object]
impl DeliveryQuery {
    /// A delivery.
    async fn get_delivery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id: the `webhook.id` that the receiver sees.")] id: ID,
    ) -> GetDeliveryResult {
        let found = async { find(&Asker::with(context, &[Scope::ReadDeliveries])?, &id).await };
        found.await.map(Delivery).into()
    }

    /// Deliveries, newest first.
    async fn get_deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<DeliveryFilter>,
        #[graphql(desc = "How many: 1 to 200.", default_with = "Some(50)")] first: Option<i32>,
        #[graphql(desc = "An `endCursor`, for the page after it.")] after: Option<String>,
    ) -> Result<ListPage<Delivery>, Error> {
        list(context, filter.unwrap_or_default(), first, after.as_deref()).await
    }
}
