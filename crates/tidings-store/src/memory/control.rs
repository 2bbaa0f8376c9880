//! Applications and webhooks: what people set up.

use std::sync::Arc;

use tidings_core::{
    application::Application,
    catalog::Catalog,
    delivery::Reason,
    ids::{ApplicationId, EndpointId, WebhookId},
    limits::WEBHOOKS_PER_TRIGGER_MAX,
    time::Now,
    webhook::Webhook,
};

use crate::{
    error::WriteError,
    memory::{
        read,
        state::{ApplicationRow, State, WebhookRow},
    },
    rules,
    types::{NewApplication, Page, Paged, WebhookBacklog, WebhookFilter},
};

pub(super) fn not_found(what: &'static str, id: impl ToString) -> WriteError {
    WriteError::NotFound { what, id: id.to_string() }
}

impl State {
    pub(super) fn catalog(&mut self) -> Arc<Catalog> {
        if let Some(catalog) = &self.catalog {
            return Arc::clone(catalog);
        }
        let webhooks = self.webhooks.values().filter(|row| row.deleted.is_none());
        let applications = self.applications.values().filter(|row| !row.deleted);
        let catalog = Arc::new(Catalog::new(
            self.catalog_version,
            webhooks.map(|row| Arc::clone(&row.webhook)),
            applications.map(|row| Arc::clone(&row.application)),
        ));
        self.catalog = Some(Arc::clone(&catalog));
        catalog
    }

    /// Whatever was matched before this is matched again.
    pub(super) fn catalog_changed(&mut self) {
        self.catalog_version += 1;
        self.catalog = None;
    }

    fn application(&self, id: ApplicationId) -> Result<Arc<Application>, WriteError> {
        match self.applications.get(&id) {
            Some(row) if !row.deleted => Ok(Arc::clone(&row.application)),
            _ => Err(not_found("application", id)),
        }
    }

    pub(super) fn add_application(
        &mut self,
        now: Now,
        new: NewApplication,
    ) -> Result<Application, WriteError> {
        let same = |row: &ApplicationRow| !row.deleted && row.application.name == new.name;
        if self.applications.values().any(same) {
            return Err(WriteError::Taken { what: "application", id: new.name.to_string() });
        }
        rules::check_jwt_profiles(self.present_applications(), None, &new.settings)?;
        let last = self.applications.last_key_value();
        let application = Application {
            id: ApplicationId(last.map_or(1, |last| last.0.0 + 1)),
            name: new.name,
            version: 1,
            scopes: new.scopes,
            token_lifetime_s: new.token_lifetime_s,
            settings: new.settings,
            added_at: now.wall,
            updated_at: now.wall,
        };
        self.put_application(application.clone());
        Ok(application)
    }

    fn present_applications(&self) -> impl Iterator<Item = &Application> {
        self.applications.values().filter(|row| !row.deleted).map(|row| &*row.application)
    }

    fn put_application(&mut self, application: Application) {
        let id = application.id;
        let row = ApplicationRow { application: Arc::new(application), deleted: false };
        self.applications.insert(id, row);
        self.catalog_changed();
    }

    pub(super) fn update_application(
        &mut self,
        now: Now,
        application: Application,
    ) -> Result<Application, WriteError> {
        let stored = self.application(application.id)?;
        if stored.version != application.version {
            let id = stored.name.to_string();
            return Err(WriteError::Stale { what: "application", id });
        }
        let others = self.present_applications();
        rules::check_jwt_profiles(others, Some(stored.id), &application.settings)?;
        let changed = Application {
            id: stored.id,
            name: stored.name.clone(),
            version: stored.version + 1,
            added_at: stored.added_at,
            updated_at: now.wall,
            ..application
        };
        self.put_application(changed.clone());
        Ok(changed)
    }

    pub(super) fn delete_application(
        &mut self,
        now: Now,
        id: ApplicationId,
    ) -> Result<Application, WriteError> {
        let application = self.application(id)?;
        self.tokens.revoke_of(id, now);
        let own = |row: &&WebhookRow| row.deleted.is_none() && row.webhook.application == id;
        let webhooks: Vec<WebhookId> =
            self.webhooks.values().filter(own).map(|row| row.webhook.id).collect();
        let mut left = rules::ENDED_PER_COMMIT_MAX;
        for webhook in webhooks {
            self.mark_deleted(webhook, rules::application_deleted());
            left -= self.cancel_some(webhook, left, now);
        }
        self.applications.entry(id).and_modify(|row| row.deleted = true);
        self.catalog_changed();
        Ok(Application::clone(&application))
    }

    pub(super) fn add_webhook(
        &mut self,
        now: Now,
        mut webhook: Webhook,
    ) -> Result<Webhook, WriteError> {
        self.application(webhook.application)?;
        webhook.id = WebhookId(self.webhooks.last_key_value().map_or(1, |last| last.0.0 + 1));
        webhook.version = 1;
        webhook.added_at = now.wall;
        webhook.updated_at = now.wall;
        self.put_webhook(webhook)
    }

    pub(super) fn update_webhook(
        &mut self,
        now: Now,
        mut webhook: Webhook,
    ) -> Result<Webhook, WriteError> {
        let id = webhook.id;
        let stored = self.present_webhook(id)?;
        if stored.version != webhook.version {
            return Err(WriteError::Stale { what: "webhook", id: id.to_string() });
        }
        webhook.application = stored.application;
        webhook.added_at = stored.added_at;
        webhook.updated_at = now.wall;
        webhook.version += 1;
        self.count_listeners(&stored, false);
        let answer = self.put_webhook(webhook);
        if answer.is_err() {
            self.count_listeners(&stored, true);
        }
        answer
    }

    fn put_webhook(&mut self, mut webhook: Webhook) -> Result<Webhook, WriteError> {
        for trigger in &webhook.triggers {
            let key = (webhook.source.clone(), trigger.clone());
            if self.listeners.get(&key).is_some_and(|count| *count >= WEBHOOKS_PER_TRIGGER_MAX) {
                let detail = format!(
                    "{WEBHOOKS_PER_TRIGGER_MAX} webhooks listen to {trigger} already: \
                     remove one first"
                );
                return Err(WriteError::Full { detail });
            }
        }
        let next = EndpointId(self.endpoint_ids.len() as u64 + 1);
        let url = (webhook.application, webhook.url.clone());
        webhook.endpoint = *self.endpoint_ids.entry(url).or_insert(next);
        self.count_listeners(&webhook, true);
        let row = WebhookRow { webhook: Arc::new(webhook.clone()), deleted: None };
        self.webhooks.insert(webhook.id, row);
        self.catalog_changed();
        Ok(webhook)
    }

    fn count_listeners(&mut self, webhook: &Webhook, comes: bool) {
        for trigger in &webhook.triggers {
            let key = (webhook.source.clone(), trigger.clone());
            let count = self.listeners.entry(key).or_default();
            *count = if comes { *count + 1 } else { *count - 1 };
        }
    }

    fn present_webhook(&self, id: WebhookId) -> Result<Arc<Webhook>, WriteError> {
        match self.webhooks.get(&id) {
            Some(row) if row.deleted.is_none() => Ok(Arc::clone(&row.webhook)),
            _ => Err(not_found("webhook", id)),
        }
    }

    pub(super) fn delete_webhook(
        &mut self,
        now: Now,
        id: WebhookId,
    ) -> Result<Webhook, WriteError> {
        let webhook = self.present_webhook(id)?;
        self.mark_deleted(id, rules::webhook_deleted());
        self.cancel_some(id, rules::ENDED_PER_COMMIT_MAX, now);
        self.catalog_changed();
        Ok(Webhook::clone(&webhook))
    }

    fn mark_deleted(&mut self, id: WebhookId, why: Reason) {
        let row = self.webhooks.get_mut(&id).expect("the caller has found it");
        row.deleted = Some(why);
        let webhook = Arc::clone(&row.webhook);
        self.count_listeners(&webhook, false);
    }

    /// Cancels deliveries of a deleted webhook, at most so many.
    fn cancel_some(&mut self, id: WebhookId, count_max: usize, now: Now) -> usize {
        let Some(why) = self.webhooks.get(&id).and_then(|row| row.deleted.clone()) else {
            return 0;
        };
        let mut ids = self.queues.get(&id).map_or_else(Vec::new, super::state::Queue::ids);
        ids.truncate(count_max);
        for delivery in &ids {
            self.change(*delivery, |row| row.delivery.cancel(why.clone(), now));
        }
        ids.len()
    }

    pub(super) fn cancel_orphans(&mut self, now: Now) -> u64 {
        let waiting: Vec<WebhookId> = self.queues.keys().copied().collect();
        let mut left = rules::ENDED_PER_COMMIT_MAX;
        for id in waiting {
            if left == 0 {
                break;
            }
            left -= self.cancel_some(id, left, now);
        }
        let State { tasks, applications, .. } = self;
        let is_there = |id| applications.get(&id).is_some_and(|row| !row.deleted);
        let removed = tasks.remove_orphans(rules::ENDED_PER_COMMIT_MAX, is_there);
        (rules::ENDED_PER_COMMIT_MAX - left + removed) as u64
    }

    pub(super) fn webhook(&self, id: WebhookId) -> Option<Arc<Webhook>> {
        self.webhooks.get(&id).map(|row| Arc::clone(&row.webhook))
    }

    pub(super) fn webhooks(
        &self,
        filter: &WebhookFilter,
        page: &Page<WebhookId>,
    ) -> Paged<Arc<Webhook>> {
        let after = page.after.map_or(0, |after| after.0);
        let found = self
            .webhooks
            .range(WebhookId(after.saturating_add(1))..)
            .filter(|(_, row)| row.deleted.is_none() && is_asked_for(filter, &row.webhook))
            .map(|(_, row)| Arc::clone(&row.webhook));
        read::page(found, page.first)
    }

    pub(super) fn backlog(&mut self, id: WebhookId) -> Result<WebhookBacklog, WriteError> {
        let webhook = self.present_webhook(id)?;
        let queue = self.queues.get(&id);
        let waiting = queue.map_or(0, super::state::Queue::len) as u64;
        Ok(WebhookBacklog {
            waiting: waiting.min(rules::BACKLOG_COUNTED_MAX),
            oldest_due_at: queue.and_then(super::state::Queue::first_at),
            health: self.health(webhook.endpoint).clone(),
        })
    }
}

fn is_asked_for(filter: &WebhookFilter, webhook: &Webhook) -> bool {
    let status = rules::webhook_status(&webhook.status);
    filter.application.is_none_or(|application| application == webhook.application)
        && filter.trigger.as_ref().is_none_or(|trigger| webhook.triggers.contains(trigger))
        && (filter.statuses.is_empty() || filter.statuses.contains(&status))
}
