//! Events come in: matched against the present catalog, once under their idempotency key, all or
//! nothing.

use std::{collections::HashMap, sync::Arc};

use tidings_core::{
    access::Owner,
    delivery::{Delivery, LeaseToken},
    event::{Event, IdempotencyKey},
    ids::{DeliveryId, WebhookId},
    limits::IDEMPOTENCY_REMEMBERED_MS,
    matching::Match,
    outcome::Attempt,
    time::Now,
    webhook::{Status, Webhook},
};

use crate::{
    error::{AppendError, StoreError},
    memory::state::{Queue, Remembered, Row, State},
    rules,
    types::{Append, Appended, AppendedEvent, Claimed, Erasure, NewEvent, Room},
};

/// What a key was answered with, by an earlier commit or by an earlier event of this one.
struct Known {
    content: [u8; 32],
    answer: AppendedEvent,
}

impl State {
    pub(super) fn append(&mut self, now: Now, append: Append) -> Result<Appended, AppendError> {
        if append.catalog_version != self.catalog_version {
            return Err(AppendError::StaleCatalog);
        }
        let answers = self.answers(&append.events, now)?;
        self.entities.check(&append)?;
        self.tasks.check(&append.tasks, |id| self.has_application(id))?;
        self.check_tokens(&append.tokens)?;
        // Nothing fails from here on.
        for change in append.changes {
            self.entities.apply(change, now);
        }
        for erasure in &append.erasures {
            self.erase(erasure, now);
        }
        for change in append.tasks {
            self.tasks.apply(change);
        }
        for revocation in &append.revocations {
            self.tokens.revoke_by(revocation, now);
        }
        self.add_tokens(append.tokens, now);
        let mut room = append.room;
        let mut newborn = Vec::new();
        let mut born_count = 0;
        for (new, answer) in append.events.into_iter().zip(&answers) {
            if answer.duplicate {
                continue;
            }
            self.remember(&new, now);
            let event = Arc::new(new.event);
            self.events.insert(event.id, Arc::clone(&event));
            for found in &new.matches {
                born_count += 1;
                newborn.extend(self.bear(&event, found, room.as_mut(), now));
            }
        }
        let left = newborn.len() < born_count;
        Ok(Appended { events: answers, newborn, left })
    }

    fn erase(&mut self, erasure: &Erasure, now: Now) {
        let Erasure { application, entities } = erasure;
        let last_lease = LeaseToken(self.leases_count);
        self.late_erasures.note(*application, entities, last_lease, now.elapsed);
        let is_erased = |row: &Row| {
            let event = &self.events[&row.delivery.id.event()];
            let told = std::iter::once(&event.entity).chain(&row.subjects);
            row.delivery.application == erasure.application
                && told.into_iter().any(|entity| erasure.entities.contains(entity))
        };
        let found: Vec<DeliveryId> =
            self.deliveries.iter().filter(|(_, row)| is_erased(row)).map(|it| *it.0).collect();
        for id in found {
            self.change(id, |row| {
                row.payload = None;
                row.subjects.clear();
                row.attempts.iter_mut().for_each(Attempt::forget_answer);
                row.delivery.erase(rules::consent_withdrawn(), now);
            });
        }
    }

    /// What is answered for each event, if the append is made.
    fn answers(&self, events: &[NewEvent], now: Now) -> Result<Vec<AppendedEvent>, AppendError> {
        let mut within: HashMap<(&Owner, &IdempotencyKey), Known> = HashMap::new();
        let mut answers = Vec::with_capacity(events.len());
        for (index, new) in events.iter().enumerate() {
            let key = new.idempotency.as_ref().map(|it| (&it.owner, &it.key, it.content));
            if let Some((owner, key, content)) = key {
                let earlier = self.known(owner, key, now);
                if let Some(known) = within.get(&(owner, key)).or(earlier.as_ref()) {
                    if known.content != content {
                        return Err(AppendError::IdempotencyConflict { index });
                    }
                    answers.push(AppendedEvent { duplicate: true, ..known.answer });
                    continue;
                }
            }
            self.check_new(new)?;
            let (id, deliveries) = (new.event.id, new.matches.len());
            let answer = AppendedEvent { id, deliveries, duplicate: false };
            if let Some((owner, key, content)) = key {
                within.insert((owner, key), Known { content, answer });
            }
            answers.push(answer);
        }
        Ok(answers)
    }

    fn known(&self, owner: &Owner, key: &IdempotencyKey, now: Now) -> Option<Known> {
        let remembered = self.remembered.get(&(owner.clone(), key.clone()))?;
        if is_forgotten(remembered, now) {
            return None;
        }
        let (id, deliveries) = (remembered.event, remembered.deliveries);
        let answer = AppendedEvent { id, deliveries, duplicate: true };
        Some(Known { content: remembered.content, answer })
    }

    fn check_new(&self, new: &NewEvent) -> Result<(), AppendError> {
        if self.events.contains_key(&new.event.id) {
            return Err(AppendError::Store(StoreError::Corrupt {
                operation: "append",
                what: format!("event {}", new.event.id),
                cause: "there is an event with this id already".to_owned(),
            }));
        }
        let is_there = |found: &Match| {
            self.webhooks.get(&found.webhook.id).is_some_and(|row| row.deleted.is_none())
        };
        if new.matches.iter().all(is_there) { Ok(()) } else { Err(AppendError::StaleCatalog) }
    }

    fn remember(&mut self, new: &NewEvent, now: Now) {
        let Some(idempotency) = &new.idempotency else { return };
        let remembered = Remembered {
            content: idempotency.content,
            event: new.event.id,
            deliveries: new.matches.len(),
            at: now.elapsed,
        };
        let key = (idempotency.owner.clone(), idempotency.key.clone());
        self.remembered.insert(key, remembered);
    }

    pub(super) fn forget_expired(&mut self, now: Now) -> u64 {
        let expired: Vec<_> = self
            .remembered
            .iter()
            .filter(|(_, remembered)| is_forgotten(remembered, now))
            .map(|(key, _)| key.clone())
            .take(rules::FORGOTTEN_PER_COMMIT_MAX)
            .collect();
        for key in &expired {
            self.remembered.remove(key);
        }
        let forgotten = self.tokens.forget_expired(now) + self.entities.forget_expired(now);
        (expired.len() + forgotten) as u64
    }

    /// A delivery comes into being, and goes to the worker that appended it where there is room.
    fn bear(
        &mut self,
        event: &Arc<Event>,
        found: &Match,
        room: Option<&mut Room>,
        now: Now,
    ) -> Option<Claimed> {
        let webhook = Arc::clone(&self.webhooks[&found.webhook.id].webhook);
        let id = DeliveryId::new(event.id, webhook.id, 0);
        let trigger = found.trigger.clone();
        let delivery = Delivery::born(id, webhook.application, trigger, event.test, now);
        let endpoint = webhook.endpoint;
        let attempts = Vec::new();
        let goes_first = !self.has_backlog(webhook.id, now);
        let (payload, subjects) = (None, Vec::new());
        self.insert(Row { delivery, claims: 0, endpoint, payload, subjects, attempts });
        let room = room?;
        let fits = room.permits > 0 && goes_first && self.has_room(&webhook, room, now);
        if !event.test && !fits {
            return None;
        }
        Some(self.lease(id, room, now))
    }

    /// Whether something of the webhook waits that is due: it goes before what is new.
    fn has_backlog(&self, webhook: WebhookId, now: Now) -> bool {
        let first_at = self.queues.get(&webhook).and_then(Queue::first_at);
        first_at.is_some_and(|at| at <= now.elapsed)
    }

    fn has_room(&self, webhook: &Webhook, room: &Room, now: Now) -> bool {
        let health = self.endpoints.get(&webhook.endpoint).cloned().unwrap_or_default();
        webhook.status == Status::Active
            && health.breaker.is_none()
            && room.fits(webhook.endpoint, &health, now.elapsed)
            && self.source(&webhook.source).down.is_none()
    }

    /// Gives a delivery to the worker whose room it is. Takes a permit where there is one.
    pub(super) fn lease(&mut self, id: DeliveryId, room: &mut Room, now: Now) -> Claimed {
        self.leases_count += 1;
        let token = LeaseToken(self.leases_count);
        let webhook = Arc::clone(&self.webhook_of(id).webhook);
        let event = self.event_of(id);
        room.take(webhook.endpoint);
        let expires_at = room.lease_until;
        let health = self.health(webhook.endpoint).clone();
        self.change(id, |row| {
            let held_since = rules::held_since(&row.delivery, &webhook, &health);
            row.delivery.lease(token, expires_at);
            row.claims += 1;
            row.endpoint = webhook.endpoint;
            let deadline = row.delivery.deadline.map(|it| webhook.clock.moment(it, now.elapsed));
            Claimed {
                token,
                delivery: row.delivery.clone(),
                event,
                payload: row.payload.clone(),
                deadline,
                held_since,
                webhook,
            }
        })
    }
}

fn is_forgotten(remembered: &Remembered, now: Now) -> bool {
    now.elapsed.since_ms(remembered.at) >= IDEMPOTENCY_REMEMBERED_MS
}

#[cfg(test)]
mod tests {
    use tidings_core::{ids::EventId, time::Elapsed};

    use super::*;

    #[test]
    fn a_key_is_forgotten_after_7_days_of_elapsed_time() {
        let remembered = Remembered {
            content: [0; 32],
            event: EventId::from_bytes([0; 16]),
            deliveries: 0,
            at: Elapsed(5),
        };
        let at = |ms| Now { elapsed: Elapsed(ms), ..Now::default() };
        assert!(!is_forgotten(&remembered, at(4 + IDEMPOTENCY_REMEMBERED_MS)));
        assert!(is_forgotten(&remembered, at(5 + IDEMPOTENCY_REMEMBERED_MS)));
    }
}
