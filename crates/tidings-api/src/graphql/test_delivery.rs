//! A test of a webhook: an ordinary delivery that is flagged, made at once and tried once.
//!
//!   event with `test` ─► append, matched with this webhook alone
//!      ─► the delivery engine tries it ─► looked at until it was tried

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use tidings_core::{
    access::Scope,
    ids::{DeliveryId, EntityId, EventId},
    matching::Match,
    time::Now,
    webhook::Webhook,
};
use tidings_graphql::{Failure, OperationFailure, Thing, result_union};
use tidings_store::{Append, AppendError, DeliveryView, NewEvent};

use super::{
    asker::{Asker, not_found, parse_argument, store_failure},
    delivery::Delivery,
    preview::{listened, test_event},
    webhook::find,
};

/// How often the event is matched again because the catalog changed meanwhile.
const MATCHES_MAX: usize = 8;
/// What a test may take beyond the webhook's own timeout: the query, and its turn.
const GRACE_MS: u64 = 15_000;
/// The first and the longest wait between two looks.
const LOOK_MS: (u64, u64) = (20, 250);

result_union! {
    /// The delivery once it was tried, or why it was not made.
    TestWebhookResult(Delivery)
}

/// The test of a webhook.
#[derive(Default, Debug)]
pub struct TestMutation;

#[Object]
impl TestMutation {
    /// Sends a test delivery to this webhook alone, once, and answers when it was tried. Where that
    /// takes longer than the webhook's timeout and 15 s, the delivery is given as it is then. Needs
    /// the scope `manage:webhooks`.
    async fn test_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The webhook's number.")] id: ID,
        #[graphql(desc = "One of the webhook's triggers.")] trigger: String,
        #[graphql(desc = "The id of an entity in the webhook's source.")] entity: ID,
    ) -> TestWebhookResult {
        test(context, &id, &trigger, &entity).await.into()
    }
}

async fn test(
    context: &Context<'_>,
    id: &str,
    trigger: &str,
    entity: &str,
) -> Result<Delivery, OperationFailure> {
    let asker = Asker::with(context, &[Scope::ManageWebhooks])?;
    let entity: EntityId = parse_argument("/entity", entity)?;
    let now = asker.now();
    let (event, webhook) = fire(&asker, id, trigger, entity, now).await?;
    let delivery = DeliveryId::new(event, webhook.id, 0);
    let until = now.elapsed.plus_ms(u64::from(webhook.timeout_ms) + GRACE_MS);
    let mut wait_ms = LOOK_MS.0;
    loop {
        let view = look(&asker, delivery).await?;
        let is_tried = view.delivery.attempts_count > 0 || view.delivery.state.is_final();
        let present = asker.now().elapsed;
        if is_tried || present >= until {
            return Ok(Delivery(view));
        }
        asker.api.clock.sleep_until(present.plus_ms(wait_ms).min(until)).await;
        wait_ms = (wait_ms * 2).min(LOOK_MS.1);
    }
}

async fn look(asker: &Asker<'_>, id: DeliveryId) -> Result<DeliveryView, OperationFailure> {
    let view = asker.api.store.delivery(asker.now(), id).await.map_err(store_failure)?;
    view.ok_or_else(|| not_found(Thing::Delivery, &id.to_string()))
}

async fn fire(
    asker: &Asker<'_>,
    id: &str,
    trigger: &str,
    entity: EntityId,
    now: Now,
) -> Result<(EventId, Arc<Webhook>), OperationFailure> {
    for _ in 0..MATCHES_MAX {
        let catalog = asker.api.store.catalog().await.map_err(store_failure)?;
        let webhook = find(asker, id).await?;
        let trigger = listened(&webhook, trigger)?;
        let event = test_event(asker, &webhook, trigger.clone(), entity.clone(), now);
        let event_id = event.id;
        let matches = vec![Match { webhook: Arc::clone(&webhook), trigger }];
        let append =
            Append::of(catalog.version(), vec![NewEvent { event, matches, idempotency: None }]);
        match asker.api.ingest.append(now, append).await {
            Ok(_) => return Ok((event_id, webhook)),
            Err(AppendError::StaleCatalog) => {}
            Err(AppendError::Store(error)) => return Err(store_failure(error)),
            Err(error) => {
                tracing::error!(%error, "a test delivery met a refusal of what it has not got");
                return Err(Failure::Unavailable.into());
            }
        }
    }
    Err(Failure::ChangedMeanwhile { what: Thing::Webhook, id: id.to_owned() }.into())
}
