//! Webhooks as they are shown. Keys and header values are not: a fingerprint and a mask stand in
//! their stead.

use std::sync::Arc;

use async_graphql::{Context, Error, ID, Object, SimpleObject};
use tidings_core::{
    access::Scope,
    ids::WebhookId,
    time::{Elapsed, Now, SECOND_MS, Wall},
    webhook::{MASK, Status, Webhook as Stored},
};
use tidings_graphql::{DateTime, Json, ListPage, OperationFailure, Problem, Thing, result_union};
use tidings_store::{WebhookBacklog, WriteError};

use super::{
    asker::{
        Asker, as_error, not_found, page, parse_id, problem, shown, store_error, store_failure,
        write_failure,
    },
    delivery::{self, Delivery},
    filter::{DeliveryFilter, WebhookFilter, WebhookStatus},
};
use crate::provision;
use crate::webhook_input::{ErrorAction, PayloadMode, Success};

/// The name of the list in its cursors.
const LIST: &str = "webhooks";

/// Who sees webhooks: who manages them, and who sees what became of their deliveries.
pub(super) const SEES_WEBHOOKS: [Scope; 2] = [Scope::ManageWebhooks, Scope::ReadDeliveries];

/// An application's standing order: when one of these triggers fires, this query runs and its
/// response is sent to this URL.
#[derive(Clone, Debug)]
pub struct Webhook(pub(super) Arc<Stored>);

/// The query for one trigger.
#[derive(SimpleObject, Clone, Debug)]
pub struct TriggerQuery {
    /// The trigger.
    pub trigger: String,
    /// The query that runs when it fires.
    pub query: String,
}

/// A header of a request or an answer.
#[derive(SimpleObject, Clone, Debug)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value; a mask where it is a secret.
    pub value: String,
}

/// When failed attempts are repeated.
#[derive(SimpleObject, Clone, Debug)]
pub struct Retry {
    /// Seconds from the end of one attempt to the start of the next; the last is repeated.
    #[graphql(name = "delaysS")]
    pub delays_s: Vec<u64>,
    /// Seconds from the first attempt to the last.
    #[graphql(name = "horizonS")]
    pub horizon_s: u64,
}

/// What is done about one code of errors in the query's response.
#[derive(SimpleObject, Clone, Debug)]
pub struct ErrorRule {
    /// The error's `extensions.code`.
    pub code: String,
    /// What is done.
    pub action: ErrorAction,
}

/// How the endpoint of a webhook is, and what waits for it.
#[derive(SimpleObject, Clone, Debug)]
pub struct EndpointHealth {
    /// Whether its breaker is open: it failed five times in a row, and is tried by one delivery at
    /// a time.
    pub breaker_open: bool,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Deliveries of the webhook that are not final; counted to 10,001 at most.
    pub waiting: u64,
    /// When the oldest of them was due.
    pub oldest_due: Option<DateTime>,
    /// When the endpoint last took a delivery.
    pub last_success: Option<DateTime>,
}

/// An application's standing order: when one of these triggers fires, this query runs and its
/// response is sent to this URL.
#[Object]
impl Webhook {
    /// Its number.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The application that owns it, and whose rights its queries have.
    async fn application(&self, context: &Context<'_>) -> Result<String, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        let catalog = asker.api.store.catalog().await.map_err(store_error)?;
        let application = catalog.application(self.0.application);
        Ok(application.map_or(String::new(), |found| found.name.to_string()))
    }

    /// What its owner calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The source that its queries run on.
    async fn source(&self) -> &str {
        self.0.source.as_str()
    }

    /// The triggers that it listens to.
    async fn triggers(&self) -> Vec<&str> {
        self.0.triggers.iter().map(|trigger| trigger.as_str()).collect()
    }

    /// Where it is sent.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// The query for every trigger that has none in `queries`.
    async fn query(&self) -> Option<&str> {
        self.0.queries.common.as_deref()
    }

    /// Queries for single triggers.
    async fn queries(&self) -> Vec<TriggerQuery> {
        let queries = self.0.queries.by_trigger.iter();
        queries
            .map(|(trigger, query)| TriggerQuery {
                trigger: trigger.to_string(),
                query: query.clone(),
            })
            .collect()
    }

    /// Values for the variables that the queries declare; null where it sets none.
    async fn variables(&self) -> Option<Json> {
        let variables = &self.0.variables;
        (!variables.is_empty()).then(|| Json(serde_json::Value::Object(variables.clone())))
    }

    /// Milliseconds in which an attempt must be answered.
    async fn timeout_ms(&self) -> u32 {
        self.0.timeout_ms
    }

    /// Which answers count as a success.
    async fn success(&self) -> Success {
        self.0.success.into()
    }

    /// When failed attempts are repeated.
    async fn retry(&self) -> Retry {
        let policy = &self.0.retry;
        Retry {
            delays_s: policy.delays_ms.iter().map(|ms| ms / SECOND_MS).collect(),
            horizon_s: policy.horizon_ms / SECOND_MS,
        }
    }

    /// Whether every attempt sends the same bytes.
    async fn payload(&self) -> PayloadMode {
        self.0.payload.into()
    }

    /// Headers that are added to every request; their values are masked.
    async fn headers(&self) -> Vec<Header> {
        masked_headers(&self.0)
    }

    /// What is done about errors in the query's response.
    async fn errors(&self) -> Vec<ErrorRule> {
        let rules = self.0.error_rules.iter();
        rules
            .map(|rule| ErrorRule { code: rule.code.clone(), action: rule.action.into() })
            .collect()
    }

    /// Whether it is sent at present.
    async fn status(&self) -> WebhookStatus {
        match self.0.status {
            Status::Active => WebhookStatus::Active,
            Status::Paused => WebhookStatus::Paused,
            Status::Held { .. } => WebhookStatus::Held,
            Status::Disabled { .. } => WebhookStatus::Disabled,
        }
    }

    /// Why it is not sent, where that is not its owner's wish.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status.reason()
    }

    /// What is shown of its newest key: the beginning of a hash. Null where it is unsigned.
    async fn key_fingerprint(&self) -> Option<&str> {
        self.0.keys.last().map(|key| key.fingerprint.as_str())
    }

    /// When it was added.
    async fn added(&self) -> DateTime {
        self.0.added_at.into()
    }

    /// When it was last changed.
    async fn updated(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// What works today and should be changed: a short key, fields that are deprecated. As it is
    /// now, also right after an update.
    async fn warnings(&self, context: &Context<'_>) -> Result<Vec<Problem>, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        Ok(provision::warnings(asker.api, &self.0).into_iter().map(problem).collect())
    }

    /// How its endpoint is, and what waits for it. For a webhook that was deleted nothing waits.
    async fn health(&self, context: &Context<'_>) -> Result<EndpointHealth, Error> {
        let asker = Asker::with(context, &[]).map_err(as_error)?;
        let now = asker.now();
        let backlog = match asker.api.store.backlog(now, self.0.id).await {
            Ok(backlog) => backlog,
            Err(WriteError::NotFound { .. }) => WebhookBacklog::default(),
            Err(error) => return Err(as_error(write_failure(Thing::Webhook, "/id", error))),
        };
        Ok(EndpointHealth {
            breaker_open: backlog.health.breaker.is_some(),
            consecutive_failures: backlog.health.failures_count,
            waiting: backlog.waiting,
            oldest_due: backlog.oldest_due_at.map(|due| wall_of(due, now).into()),
            last_success: backlog.health.last_success_at.map(Into::into),
        })
    }

    /// Its deliveries, newest first. Needs the scope `read:deliveries`.
    async fn deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; `webhook` is this one.")] filter: Option<DeliveryFilter>,
        #[graphql(desc = "How many: 1 to 200.", default_with = "Some(50)")] first: Option<i32>,
        #[graphql(desc = "An `endCursor`, for the page after it.")] after: Option<String>,
    ) -> Result<ListPage<Delivery>, Error> {
        let own: ID = self.0.id.to_string().into();
        let filter = DeliveryFilter { webhook: Some(own), ..filter.unwrap_or_default() };
        delivery::list(context, filter, first, after.as_deref()).await
    }
}

/// The headers that a webhook adds, without their values.
pub(super) fn masked_headers(webhook: &Stored) -> Vec<Header> {
    let headers = webhook.headers.iter();
    headers.map(|header| Header { name: header.name.clone(), value: MASK.to_owned() }).collect()
}

/// A moment of elapsed time as people see it.
pub(super) fn wall_of(moment: Elapsed, now: Now) -> Wall {
    let ahead = i128::from(moment.0) - i128::from(now.elapsed.0);
    let wall = i128::from(now.wall.0) + ahead;
    Wall(i64::try_from(wall).unwrap_or(i64::MAX))
}

/// The webhook with this id, if the asker sees it. A deleted one is not there.
pub(super) async fn find(asker: &Asker<'_>, id: &str) -> Result<Arc<Stored>, OperationFailure> {
    let number: WebhookId = parse_id(Thing::Webhook, id)?;
    let catalog = asker.api.store.catalog().await.map_err(store_failure)?;
    let found = catalog.webhook(number).filter(|one| asker.principal.sees(one.application));
    found.map(Arc::clone).ok_or_else(|| not_found(Thing::Webhook, id))
}

result_union! {
    /// A webhook, or why it is not shown.
    GetWebhookResult(Webhook)
}

/// Queries about webhooks.
#[derive(Default, Debug)]
pub struct WebhookQuery;

#[Object]
impl WebhookQuery {
    /// A webhook.
    async fn get_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its number.")] id: ID,
    ) -> GetWebhookResult {
        let found = async { find(&Asker::with(context, &SEES_WEBHOOKS)?, &id).await };
        found.await.map(Webhook).into()
    }

    /// Webhooks, in the order in which they were added.
    async fn get_webhooks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<WebhookFilter>,
        #[graphql(desc = "How many: 1 to 200.", default_with = "Some(50)")] first: Option<i32>,
        #[graphql(desc = "An `endCursor`, for the page after it.")] after: Option<String>,
    ) -> Result<ListPage<Webhook>, Error> {
        let asker = Asker::with(context, &SEES_WEBHOOKS).map_err(as_error)?;
        let page = page(LIST, first, after.as_deref())?;
        let filter = filter.unwrap_or_default().resolve(&asker).await.map_err(as_error)?;
        let found = asker.api.store.webhooks(filter, page).await;
        let found = found.map_err(store_error)?;
        Ok(shown(LIST, found, |one| one.id.to_string(), Webhook))
    }
}
