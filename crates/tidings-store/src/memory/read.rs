//! What can be read: pages, counts.

use std::{collections::BTreeMap, sync::Arc};

use tidings_core::{
    event::Event,
    ids::{ApplicationId, DeliveryId, EventId, NoticeId},
    limits::PAGE_MAX,
    time::{Elapsed, Now},
    webhook::{Status, Webhook},
};

use crate::{
    memory::state::State,
    rules,
    types::{DeliveryFilter, DeliveryView, EventFilter, Notice, Page, Paged, Stats},
};

/// The first items of those that are asked for, and whether there are more.
pub(super) fn page<T>(found: impl Iterator<Item = T>, first: usize) -> Paged<T> {
    let first = first.clamp(1, PAGE_MAX);
    let mut items: Vec<T> = found.take(first + 1).collect();
    let has_next_page = items.len() > first;
    items.truncate(first);
    Paged { items, has_next_page }
}

/// What lies before a cursor, newest first; everything without one.
pub(super) fn newest_first<'a, C: Ord + Copy, V>(
    all: &'a BTreeMap<C, V>,
    page: &Page<C>,
) -> Box<dyn Iterator<Item = &'a V> + 'a> {
    match page.after {
        Some(after) => Box::new(all.range(..after).rev().map(|entry| entry.1)),
        None => Box::new(all.values().rev()),
    }
}

impl State {
    pub(super) fn events(&self, filter: &EventFilter, page: &Page<EventId>) -> Paged<Arc<Event>> {
        let found = newest_first(&self.events, page)
            .filter(|event| rules::event_matches(filter, event))
            .cloned();
        self::page(found, page.first)
    }

    pub(super) fn deliveries(
        &self,
        now: Now,
        filter: &DeliveryFilter,
        page: &Page<DeliveryId>,
    ) -> Paged<DeliveryView> {
        let found = newest_first(&self.deliveries, page)
            .filter(|row| self.is_asked_for(filter, row.delivery.id))
            .map(|row| self.view(row, now.elapsed));
        self::page(found, page.first)
    }

    /// Whether a delivery that is there is asked for.
    pub(super) fn is_asked_for(&self, filter: &DeliveryFilter, id: DeliveryId) -> bool {
        let row = &self.deliveries[&id];
        let webhook = &self.webhook_of(id).webhook;
        rules::delivery_matches(filter, &row.delivery, &self.event_of(id), webhook)
    }

    pub(super) fn deliveries_of(&self, now: Now, event: EventId) -> Vec<DeliveryView> {
        let from = DeliveryId::new(event, tidings_core::ids::WebhookId(0), 0);
        self.deliveries
            .range(from..)
            .take_while(|(id, _)| id.event() == event)
            .take(rules::DELIVERIES_OF_EVENT_MAX)
            .map(|(_, row)| self.view(row, now.elapsed))
            .collect()
    }

    pub(super) fn notices(
        &self,
        application: Option<ApplicationId>,
        page: &Page<NoticeId>,
    ) -> Paged<Notice> {
        let found = newest_first(&self.notices, page)
            .filter(|notice| application.is_none_or(|own| own == notice.application))
            .cloned();
        self::page(found, page.first)
    }

    pub(super) fn stats(&self, now: Now) -> Stats {
        let waiting: usize = self.queues.values().map(super::state::Queue::len).sum();
        let oldest_due_at = self
            .queues
            .iter()
            .filter(|(id, _)| {
                let row = &self.webhooks[*id];
                row.deleted.is_none() && self.flows(&row.webhook)
            })
            .filter_map(|(_, queue)| queue.first_at())
            .min()
            .filter(|first_at| is_due(*first_at, now));
        Stats {
            oldest_due_at,
            waiting: (waiting as u64).min(rules::WAITING_COUNTED_MAX),
            webhooks: self.webhooks.values().filter(|row| row.deleted.is_none()).count() as u64,
            bytes: None,
        }
    }

    fn flows(&self, webhook: &Webhook) -> bool {
        let closed = self.endpoints.get(&webhook.endpoint).is_none_or(|it| it.breaker.is_none());
        let up = self.sources.get(&webhook.source).is_none_or(|source| source.down.is_none());
        webhook.status == Status::Active && closed && up
    }
}

fn is_due(next_at: Elapsed, now: Now) -> bool {
    next_at <= now.elapsed
}
