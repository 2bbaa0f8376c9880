//! Replaying and cancelling deliveries.

use async_graphql::{Context, ID, Object, SimpleObject};
use tidings_core::{
    access::Scope,
    delivery::{Reason, ReasonCode},
};
use tidings_graphql::{OperationFailure, Thing, result_union};
use tidings_store::{Replay, ShownState};

use super::{
    asker::{Asker, invalid, write_failure},
    delivery::{Delivery, find},
    filter::DeliveryFilter,
};
use crate::webhook_input::PayloadMode;

/// Replays that were made.
#[derive(SimpleObject, Clone, Debug)]
pub struct ReplayStarted {
    /// How many.
    pub count: u64,
}

result_union! {
    /// The replay, or why there is none.
    ReplayDeliveryResult(Delivery)
}
result_union! {
    /// How many replays were made, or why none.
    ReplayDeliveriesResult(ReplayStarted)
}
result_union! {
    /// The delivery as it is now, or why it was not cancelled.
    CancelDeliveryResult(Delivery)
}

/// Mutations of deliveries. All need the scope `manage:webhooks`.
#[derive(Default, Debug)]
pub struct DeliveryMutation;

#[Object]
impl DeliveryMutation {
    /// Delivers an event to its webhook anew, as a new delivery. While an earlier replay is not
    /// final, that one is given.
    async fn replay_delivery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The delivery's id.")] id: ID,
        #[graphql(
            desc = "FROZEN: the bytes that were sent, where there are some. FRESH: what the query \
             gives now.",
            default_with = "Some(PayloadMode::Frozen)"
        )]
        payload: Option<PayloadMode>,
    ) -> ReplayDeliveryResult {
        replay_one(context, &id, mode(payload)).await.into()
    }

    /// Replays all deliveries that fit, newest first, to 50,000 at most. Those with a pending
    /// replay are left as they are.
    async fn replay_deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: DeliveryFilter,
        #[graphql(
            desc = "FROZEN: the bytes that were sent, where there are some. FRESH: what the query \
             gives now.",
            default_with = "Some(PayloadMode::Frozen)"
        )]
        payload: Option<PayloadMode>,
    ) -> ReplayDeliveriesResult {
        replay_all(context, filter, mode(payload)).await.into()
    }

    /// Cancels a delivery that is not final. One that was cancelled before stays as it is; one that
    /// ended otherwise is refused.
    async fn cancel_delivery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The delivery's id.")] id: ID,
    ) -> CancelDeliveryResult {
        cancel(context, &id).await.into()
    }
}

fn mode(payload: Option<PayloadMode>) -> Replay {
    match payload {
        Some(PayloadMode::Fresh) => Replay::Fresh,
        Some(PayloadMode::Frozen) | None => Replay::Frozen,
    }
}

async fn replay_one(
    context: &Context<'_>,
    id: &str,
    mode: Replay,
) -> Result<Delivery, OperationFailure> {
    let asker = Asker::with(context, &[Scope::ManageWebhooks])?;
    let found = find(&asker, id).await?;
    let replay = asker.api.store.replay(asker.now(), found.delivery.id, mode).await;
    asker.api.ingest.wake();
    replay.map(Delivery).map_err(|error| write_failure(Thing::Delivery, "/id", error))
}

async fn replay_all(
    context: &Context<'_>,
    filter: DeliveryFilter,
    mode: Replay,
) -> Result<ReplayStarted, OperationFailure> {
    let asker = Asker::with(context, &[Scope::ManageWebhooks])?;
    let filter = filter.resolve(&asker).await?;
    let count = asker.api.store.replay_all(asker.now(), filter, mode).await;
    asker.api.ingest.wake();
    let count = count.map_err(|error| write_failure(Thing::Delivery, "/filter", error))?;
    Ok(ReplayStarted { count })
}

async fn cancel(context: &Context<'_>, id: &str) -> Result<Delivery, OperationFailure> {
    let asker = Asker::with(context, &[Scope::ManageWebhooks])?;
    let found = find(&asker, id).await?;
    if found.delivery.state.is_final() && found.shown != ShownState::Cancelled {
        let message = "it has ended already: only what is still to be sent can be cancelled";
        return Err(invalid("/id", message));
    }
    let why = Reason::new(ReasonCode::CancelledByOwner, "its owner cancelled it");
    let cancelled = asker.api.store.cancel_delivery(asker.now(), found.delivery.id, why).await;
    cancelled.map(Delivery).map_err(|error| write_failure(Thing::Delivery, "/id", error))
}
