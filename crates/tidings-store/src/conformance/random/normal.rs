//! What is compared: answers without what a store may choose.

use std::sync::Arc;

use bytes::Bytes;
use tidings_core::{
    delivery::{Delivery, LeaseToken, State},
    event::Event,
    ids::{EndpointId, NoticeId, TaskId},
    time::Elapsed,
    webhook::Webhook,
};

use crate::{
    error::WriteError,
    types::{Claimed, ClaimedTask, DeliveryView, Entity, Notice, Paged, Task},
};

/// Without lease tokens.
pub(super) fn delivery(mut delivery: Delivery) -> Delivery {
    if let State::Leased { token, .. } = &mut delivery.state {
        *token = LeaseToken(0);
    }
    delivery
}

/// Without the endpoint's number.
pub(super) fn webhook(webhook: &Webhook) -> Webhook {
    Webhook { endpoint: EndpointId(0), ..webhook.clone() }
}

pub(super) fn view(view: DeliveryView) -> DeliveryView {
    DeliveryView {
        delivery: delivery(view.delivery),
        webhook: Arc::new(webhook(&view.webhook)),
        ..view
    }
}

/// A [`Claimed`] that can be compared.
#[derive(PartialEq, Debug)]
pub(super) struct Given {
    delivery: Delivery,
    event: Event,
    webhook: Webhook,
    payload: Option<Bytes>,
    deadline: Option<Elapsed>,
    held_since: Option<Elapsed>,
}

pub(super) fn claimed(claimed: &Claimed) -> Given {
    assert!(claimed.delivery.is_leased_by(claimed.token), "a lease that is not on the delivery");
    Given {
        delivery: delivery(claimed.delivery.clone()),
        event: Event::clone(&claimed.event),
        webhook: webhook(&claimed.webhook),
        payload: claimed.payload.clone(),
        deadline: claimed.deadline,
        held_since: claimed.held_since,
    }
}

/// Without its number; the order of the list says it.
pub(super) fn notice(notice: Notice) -> Notice {
    Notice { id: NoticeId(0), ..notice }
}

/// Without its place; the order of the list says it.
pub(super) fn entity(entity: Entity) -> Entity {
    Entity { position: 0, ..entity }
}

pub(super) fn paged<T, U>(page: Paged<T>, how: impl Fn(T) -> U) -> Paged<U> {
    let items = page.items.into_iter().map(how).collect();
    Paged { items, has_next_page: page.has_next_page }
}

/// How a caller would react to an error.
pub(super) fn reaction(error: &WriteError) -> &'static str {
    match error {
        WriteError::NotFound { .. } => "not found",
        WriteError::Taken { .. } => "taken",
        WriteError::Stale { .. } => "stale",
        WriteError::Full { .. } => "full",
        WriteError::Erased { .. } => "erased",
        WriteError::Store(_) => "store",
    }
}

/// Without its number.
pub(super) fn task(task: &Task) -> Task {
    Task { id: TaskId(0), ..task.clone() }
}

/// Without its number and its lease token.
pub(super) fn claimed_task(claimed: &ClaimedTask) -> ClaimedTask {
    let (token, task) = (LeaseToken(0), task(&claimed.task));
    ClaimedTask { token, task, claims_count: claimed.claims_count }
}
