//! What workers bring back, fenced by their leases. A lost lease sinks its own item alone.

use tidings_core::{
    delivery::{LeaseToken, Step},
    health::SourceHealth,
    ids::DeliveryId,
    time::Now,
    webhook::{Status, Webhook},
};

use crate::{
    memory::state::State,
    rules,
    types::{Extend, Freeze, LeaseLost, MadeAttempt, NoticeKind, PerItem, Record, SourceSeen},
};

impl State {
    fn check_lease(&self, id: DeliveryId, token: LeaseToken) -> Result<(), LeaseLost> {
        let row = self.deliveries.get(&id);
        match row.is_some_and(|row| row.delivery.is_leased_by(token)) {
            true => Ok(()),
            false => Err(LeaseLost { delivery: id }),
        }
    }

    pub(super) fn extend_leases(&mut self, batch: &[Extend]) -> PerItem {
        let mut answers = Vec::with_capacity(batch.len());
        for item in batch {
            let answer = self.check_lease(item.delivery, item.token);
            if answer.is_ok() {
                self.change(item.delivery, |row| row.delivery.extend(item.token, item.expires_at));
            }
            answers.push(answer);
        }
        answers
    }

    pub(super) fn freeze_payloads(&mut self, now: Now, batch: Vec<Freeze>) -> PerItem {
        let mut answers = Vec::with_capacity(batch.len());
        for item in batch {
            let mut answer = self.check_lease(item.delivery, item.token);
            if self.tells_of_erased(&item) {
                answer = Err(LeaseLost { delivery: item.delivery });
            }
            if answer.is_ok() {
                let clock = self.webhook_of(item.delivery).webhook.clock;
                let deadline = clock.running(item.deadline, now.elapsed);
                self.change(item.delivery, |row| {
                    row.delivery.freeze(deadline);
                    row.payload = Some(item.payload);
                    if let Some(subjects) = item.subjects {
                        row.subjects = subjects;
                    }
                });
            }
            answers.push(answer);
        }
        answers
    }

    fn tells_of_erased(&self, item: &Freeze) -> bool {
        let application = self.deliveries.get(&item.delivery).map(|row| row.delivery.application);
        let entity = self.events.get(&item.delivery.event()).map(|event| &event.entity);
        let subjects = item.subjects.iter().flatten().filter(|it| Some(*it) != entity).cloned();
        let subjects: Vec<_> = subjects.collect();
        application.is_some_and(|it| self.late_erasures.forbid(it, &subjects, item.token))
    }

    pub(super) fn record(&mut self, now: Now, batch: Vec<Record>) -> PerItem {
        let mut answers = Vec::with_capacity(batch.len());
        for item in batch {
            let answer = self.check_lease(item.delivery, item.token);
            if answer.is_ok() {
                self.record_one(now, item);
            }
            answers.push(answer);
        }
        answers
    }

    fn record_one(&mut self, now: Now, item: Record) {
        let id = item.delivery;
        if let Some(seen) = &item.source {
            self.learn_of_source(id, seen, now);
        }
        match item.attempt {
            Some(made) => {
                self.learn_of_endpoint(id, &made, now);
                self.change(id, |row| {
                    row.delivery.attempts_count += 1;
                    row.attempts.push(made.attempt);
                });
            }
            None => {
                let endpoint = self.deliveries[&id].endpoint;
                self.health(endpoint).give_back(id, now.elapsed);
            }
        }
        let application = self.change(id, |row| {
            row.delivery.take(&item.step, now);
            row.claims = 0;
            row.delivery.application
        });
        if let Step::Exhaust { why } = &item.step {
            let about = (application, id.webhook());
            self.notify(about, NoticeKind::DeliveryExhausted, &why.detail, now);
        }
        if let Some((status, kind)) = rules::status_after(&item.step) {
            self.stop_webhook(id, status, kind, now);
        }
    }

    fn learn_of_endpoint(&mut self, id: DeliveryId, made: &MadeAttempt, now: Now) {
        let endpoint = self.deliveries[&id].endpoint;
        let health = self.health(endpoint);
        *health = health.after(id, &made.attempt.outcome, now);
    }

    fn learn_of_source(&mut self, id: DeliveryId, seen: &SourceSeen, now: Now) {
        let name = self.webhook_of(id).webhook.source.clone();
        let source = self.sources.entry(name).or_default();
        *source = match seen.answered {
            true => SourceHealth::default(),
            false => source.after_failure(seen.started_at, seen.wait_ms, now.elapsed),
        };
    }

    fn stop_webhook(&mut self, id: DeliveryId, status: Status, kind: NoticeKind, now: Now) {
        let row = self.webhooks.get_mut(&id.webhook()).expect("a webhook is never removed");
        if row.deleted.is_some() || row.webhook.status != Status::Active {
            return;
        }
        let mut webhook = Webhook::clone(&row.webhook);
        let why = status.reason().unwrap_or_default().to_owned();
        webhook.set_status(status, now.elapsed);
        webhook.version += 1;
        webhook.updated_at = now.wall;
        let about = (webhook.application, webhook.id);
        row.webhook = webhook.into();
        self.catalog_changed();
        self.notify(about, kind, &why, now);
    }
}
