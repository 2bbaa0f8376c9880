//! The collections, and the few ways in which they change together: a delivery with its place in
//! the queue of its webhook, and a notice with its count.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use tidings_core::{
    access::Owner,
    application::{Application, Name},
    catalog::Catalog,
    delivery::{Delivery, Reason},
    event::{Event, IdempotencyKey},
    health::{EndpointHealth, SourceHealth},
    ids::{ApplicationId, DeliveryId, EndpointId, EntityId, EventId, NoticeId, WebhookId},
    outcome::Attempt,
    time::{ClockMark, Elapsed, Now},
    trigger::TriggerName,
    webhook::{Running, Webhook},
};

use crate::{
    erasures::LateErasures,
    memory::{entity::Entities, task::Tasks, token::Tokens},
    rules,
    types::{DeliveryView, Notice, NoticeKind},
};

/// Everything that is stored.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) clock_mark: Option<ClockMark>,
    pub(super) key_id: Option<String>,
    pub(super) catalog_version: u64,
    pub(super) catalog: Option<Arc<Catalog>>,
    pub(super) applications: BTreeMap<ApplicationId, ApplicationRow>,
    pub(super) tokens: Tokens,
    pub(super) webhooks: BTreeMap<WebhookId, WebhookRow>,
    pub(super) listeners: HashMap<(Name, TriggerName), usize>,
    pub(super) endpoint_ids: HashMap<(ApplicationId, String), EndpointId>,
    pub(super) endpoints: HashMap<EndpointId, EndpointHealth>,
    pub(super) sources: HashMap<Name, SourceHealth>,
    pub(super) events: BTreeMap<EventId, Arc<Event>>,
    pub(super) remembered: HashMap<(Owner, IdempotencyKey), Remembered>,
    pub(super) deliveries: BTreeMap<DeliveryId, Row>,
    pub(super) queues: BTreeMap<WebhookId, Queue>,
    pub(super) leases_count: u64,
    pub(super) late_erasures: LateErasures,
    /// The webhook that a claim served last.
    pub(super) served: Option<WebhookId>,
    pub(super) notices: BTreeMap<NoticeId, Notice>,
    pub(super) notice_ids: HashMap<(WebhookId, NoticeKind, String), (NoticeId, Elapsed)>,
    pub(super) entities: Entities,
    pub(super) tasks: Tasks,
}

#[derive(Debug)]
pub(super) struct ApplicationRow {
    pub(super) application: Arc<Application>,
    pub(super) deleted: bool,
}

#[derive(Debug)]
pub(super) struct WebhookRow {
    pub(super) webhook: Arc<Webhook>,
    /// Why its deliveries are cancelled, once it was deleted.
    pub(super) deleted: Option<Reason>,
}

/// What was answered to an idempotency key.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) content: [u8; 32],
    pub(super) event: EventId,
    pub(super) deliveries: usize,
    pub(super) at: Elapsed,
}

/// A delivery with what belongs to it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    /// Leases that were given since the last record.
    pub(super) claims: u32,
    /// The endpoint that its webhook had when it was last given out.
    pub(super) endpoint: EndpointId,
    pub(super) payload: Option<Bytes>,
    /// Whom the body tells of.
    pub(super) subjects: Vec<EntityId>,
    pub(super) attempts: Vec<Attempt>,
}

/// The deliveries of one webhook that are not final.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Those with a body, by the moment from which they may be taken.
    pub(super) bodied: BTreeSet<(Elapsed, DeliveryId)>,
    /// Those without.
    pub(super) bodiless: BTreeSet<(Elapsed, DeliveryId)>,
    /// Those whose 72 hours run, by their end.
    pub(super) deadlines: BTreeSet<(Running, DeliveryId)>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.bodied.len() + self.bodiless.len()
    }

    pub(super) fn first_at(&self) -> Option<Elapsed> {
        [self.bodied.first(), self.bodiless.first()]
            .into_iter()
            .flatten()
            .map(|first| first.0)
            .min()
    }

    /// The ids, in the order in which they may be taken.
    pub(super) fn ids(&self) -> Vec<DeliveryId> {
        let mut all: Vec<_> = self.bodied.iter().chain(&self.bodiless).collect();
        all.sort_unstable();
        all.into_iter().map(|entry| entry.1).collect()
    }

    fn insert(&mut self, row: &Row) {
        let Some(next_at) = row.delivery.next_at() else { return };
        let by_time = if row.payload.is_some() { &mut self.bodied } else { &mut self.bodiless };
        by_time.insert((next_at, row.delivery.id));
        if let Some(deadline) = row.delivery.deadline {
            self.deadlines.insert((deadline, row.delivery.id));
        }
    }

    fn remove(&mut self, row: &Row) {
        let Some(next_at) = row.delivery.next_at() else { return };
        let by_time = if row.payload.is_some() { &mut self.bodied } else { &mut self.bodiless };
        by_time.remove(&(next_at, row.delivery.id));
        if let Some(deadline) = row.delivery.deadline {
            self.deadlines.remove(&(deadline, row.delivery.id));
        }
    }
}

impl State {
    /// Puts a delivery in.
    pub(super) fn insert(&mut self, row: Row) {
        self.queues.entry(row.delivery.id.webhook()).or_default().insert(&row);
        self.deliveries.insert(row.delivery.id, row);
    }

    /// Changes a delivery that is there, and its place in the queue.
    pub(super) fn change<T>(&mut self, id: DeliveryId, how: impl FnOnce(&mut Row) -> T) -> T {
        let row = self.deliveries.get_mut(&id).expect("the caller has found it");
        let queue = self.queues.entry(id.webhook()).or_default();
        queue.remove(row);
        let answer = how(row);
        queue.insert(row);
        if queue.len() == 0 {
            self.queues.remove(&id.webhook());
        }
        answer
    }

    /// Exhausts a delivery outside of a worker's record, and tells its owner.
    pub(super) fn give_up(&mut self, id: DeliveryId, why: Reason, now: Now) {
        let application = self.change(id, |row| {
            row.delivery.give_up(why.clone(), now);
            row.delivery.application
        });
        let about = (application, id.webhook());
        self.notify(about, NoticeKind::DeliveryExhausted, &why.detail, now);
    }

    /// Tells an owner, or counts it on an equal notice of the last hour.
    pub(super) fn notify(
        &mut self,
        (application, webhook): (ApplicationId, WebhookId),
        kind: NoticeKind,
        why: &str,
        now: Now,
    ) {
        let text = rules::notice_text(kind, why);
        let key = (webhook, kind, text.clone());
        let earlier = self.notice_ids.get(&key).copied();
        if let Some((id, first)) = earlier
            && now.elapsed.since_ms(first) < rules::NOTICE_MERGED_MS
        {
            let notice = self.notices.get_mut(&id).expect("a notice is never removed");
            notice.count += 1;
            notice.last_at = now.wall;
            return;
        }
        let id = NoticeId(self.notices.last_key_value().map_or(1, |last| last.0.0 + 1));
        let (count, first_at, last_at) = (1, now.wall, now.wall);
        let notice = Notice { id, application, webhook, kind, text, count, first_at, last_at };
        self.notices.insert(id, notice);
        self.notice_ids.insert(key, (id, now.elapsed));
    }

    /// The webhook of a delivery, also a deleted one.
    pub(super) fn webhook_of(&self, id: DeliveryId) -> &WebhookRow {
        self.webhooks.get(&id.webhook()).expect("a webhook is marked as deleted, never removed")
    }

    /// How an endpoint is.
    pub(super) fn health(&mut self, id: EndpointId) -> &mut EndpointHealth {
        self.endpoints.entry(id).or_default()
    }

    /// How a source is.
    pub(super) fn source(&self, name: &Name) -> SourceHealth {
        self.sources.get(name).cloned().unwrap_or_default()
    }

    /// A delivery as people see it.
    pub(super) fn view(&self, row: &Row, now: Elapsed) -> DeliveryView {
        let webhook = &self.webhook_of(row.delivery.id).webhook;
        let health = self.endpoints.get(&webhook.endpoint).cloned().unwrap_or_default();
        DeliveryView {
            shown: rules::shown(&row.delivery, webhook),
            event: self.event_of(row.delivery.id),
            webhook: Arc::clone(webhook),
            deadline: rules::shown_deadline(&row.delivery, webhook, &health, now),
            held_back_until: rules::held_back_until(&row.delivery, &health, now),
            payload_bytes: row.payload.as_ref().map(Bytes::len),
            delivery: row.delivery.clone(),
        }
    }

    /// The event of a delivery.
    pub(super) fn event_of(&self, id: DeliveryId) -> Arc<Event> {
        Arc::clone(self.events.get(&id.event()).expect("events and deliveries are one commit"))
    }
}
