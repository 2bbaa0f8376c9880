//! What the writer knows without reading. It alone changes the database, so that this is always
//! what the database says, plus what the open transaction has written; after a rollback it is
//! loaded anew.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension, params};
use tidings_core::{
    application::{Application, Name},
    catalog::Catalog,
    delivery::{Delivery, LeaseToken, State as DeliveryState},
    event::Event,
    health::{EndpointHealth, SourceHealth},
    ids::{ApplicationId, DeliveryId, EndpointId, WebhookId},
    time::{Elapsed, Now, SECOND_MS, Wall},
    trigger::TriggerName,
    webhook::{Running, Webhook},
};
use tidings_store::{LateErasures, NoticeKind, rules};

use crate::{
    delivery::{self, Stored},
    error::Trouble,
    read,
    row::{self, int},
};

/// The name of the catalog's version in the table of settings.
pub(crate) const CATALOG_VERSION: &str = "catalog_version";
/// The name of the number of this opening in the table of settings.
pub(crate) const EPOCH: &str = "epoch";

/// An endpoint as the writer knows it.
#[derive(Clone, Debug)]
struct Endpoint {
    health: EndpointHealth,
    /// What the table says.
    written: EndpointHealth,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Webhooks that are not deleted.
    pub(crate) webhooks: BTreeMap<WebhookId, Arc<Webhook>>,
    /// Applications that are not deleted.
    pub(crate) applications: BTreeMap<ApplicationId, Arc<Application>>,
    /// Not after any moment at which an open delivery of the webhook may be taken. Claims make it
    /// exact.
    pub(crate) due: BTreeMap<WebhookId, Elapsed>,
    /// Webhooks whose moment in `due` may have become too early.
    pub(crate) due_unsure: BTreeSet<WebhookId>,
    /// Deliveries that are leased.
    pub(crate) leased: BTreeSet<(WebhookId, DeliveryId)>,
    /// The webhook that a claim served last.
    pub(crate) last_served: Option<WebhookId>,
    catalog_version: u64,
    catalog_changed: bool,
    webhooks_by_endpoint: HashMap<EndpointId, BTreeSet<WebhookId>>,
    listeners: HashMap<(Name, TriggerName), usize>,
    endpoint_ids: HashMap<(ApplicationId, String), EndpointId>,
    /// Not after any deadline of an open delivery of the webhook; absent where nobody has looked.
    deadlines: HashMap<WebhookId, Running>,
    endpoints: HashMap<EndpointId, Endpoint>,
    endpoints_touched: BTreeSet<EndpointId>,
    sources: HashMap<Name, SourceHealth>,
    epoch: u64,
    tokens_given: u64,
    /// Whom erasures were about since the database was opened.
    pub(crate) late_erasures: LateErasures,
    /// The application that a claim of tasks of a kind served last.
    pub(crate) tasks_served: HashMap<String, ApplicationId>,
    /// Jobs that revoked tokens since the database was opened.
    pub(crate) revocations_count: u64,
}

impl State {
    /// Reads everything. `before` keeps what is not in the database.
    pub(crate) fn load(connection: &Connection, before: &State) -> Result<State, Trouble> {
        let mut state = State {
            last_served: before.last_served,
            tokens_given: before.tokens_given,
            late_erasures: before.late_erasures.clone(),
            tasks_served: before.tasks_served.clone(),
            revocations_count: before.revocations_count,
            catalog_version: setting(connection, CATALOG_VERSION)?.unwrap_or(0),
            epoch: setting(connection, EPOCH)?.unwrap_or(0),
            catalog_changed: true,
            ..State::default()
        };
        for application in row::applications(connection)? {
            state.applications.insert(application.id, Arc::new(application));
        }
        for webhook in row::live_webhooks(connection)? {
            state.keep_webhook(Arc::new(webhook));
        }
        let mut statement =
            connection.prepare("SELECT id, health, application, url FROM endpoint")?;
        let mut rows = statement.query([])?;
        while let Some(found) = rows.next()? {
            let id = EndpointId(row::number(found, 0, "endpoint")?);
            let health: EndpointHealth = row::json(found, 1, "endpoint")?;
            let application = ApplicationId(row::number(found, 2, "endpoint")?);
            state.endpoint_ids.insert((application, found.get(3)?), id);
            state.endpoints.insert(id, Endpoint { written: health.clone(), health });
            state.endpoints_touched.insert(id);
        }
        let mut statement = connection.prepare("SELECT source, health FROM source_health")?;
        let mut rows = statement.query([])?;
        while let Some(found) = rows.next()? {
            let name = row::parsed(found, 0, "source_health")?;
            state.sources.insert(name, row::json(found, 1, "source_health")?);
        }
        state.load_queue(connection)?;
        Ok(state)
    }

    fn load_queue(&mut self, connection: &Connection) -> Result<(), Trouble> {
        self.due = read::queue_heads(connection)?.into_iter().collect();
        let mut leased = connection.prepare_cached(
            "SELECT id FROM delivery INDEXED BY delivery_open WHERE state < 2 AND state = 1",
        )?;
        let mut rows = leased.query([])?;
        while let Some(found) = rows.next()? {
            let id = DeliveryId::from_bytes(row::bytes(found, 0, "delivery")?);
            self.leased.insert((id.webhook(), id));
        }
        Ok(())
    }

    // --- the catalog ---

    /// Its version, with what the open transaction changed.
    pub(crate) fn catalog_version(&self) -> u64 {
        self.catalog_version
    }

    /// Keeps that the catalog has changed. Call after the change was written.
    pub(crate) fn change_catalog(&mut self, connection: &Connection) -> Result<(), Trouble> {
        self.catalog_version += 1;
        self.catalog_changed = true;
        keep_setting(connection, CATALOG_VERSION, &self.catalog_version)
    }

    /// The catalog, if it changed since it was last asked for.
    pub(crate) fn changed_catalog(&mut self) -> Option<Arc<Catalog>> {
        std::mem::take(&mut self.catalog_changed).then(|| {
            let webhooks = self.webhooks.values().map(Arc::clone);
            let applications = self.applications.values().map(Arc::clone);
            Arc::new(Catalog::new(self.catalog_version, webhooks, applications))
        })
    }

    /// Adds or replaces a webhook.
    pub(crate) fn keep_webhook(&mut self, webhook: Arc<Webhook>) {
        self.drop_webhook(webhook.id);
        self.webhooks_by_endpoint.entry(webhook.endpoint).or_default().insert(webhook.id);
        for trigger in &webhook.triggers {
            *self.listeners.entry((webhook.source.clone(), trigger.clone())).or_default() += 1;
        }
        self.webhooks.insert(webhook.id, webhook);
    }

    /// Takes a webhook away.
    pub(crate) fn drop_webhook(&mut self, id: WebhookId) {
        let Some(webhook) = self.webhooks.remove(&id) else { return };
        if let Some(of_endpoint) = self.webhooks_by_endpoint.get_mut(&webhook.endpoint) {
            of_endpoint.remove(&id);
        }
        for trigger in &webhook.triggers {
            let key = (webhook.source.clone(), trigger.clone());
            self.listeners.entry(key).and_modify(|count| *count = count.saturating_sub(1));
        }
    }

    /// How many webhooks listen to a trigger of a source.
    pub(crate) fn listeners_count(&self, source: &Name, trigger: &TriggerName) -> usize {
        self.listeners.get(&(source.clone(), trigger.clone())).copied().unwrap_or(0)
    }

    /// The endpoint of a url, and whether it is new.
    pub(crate) fn endpoint_of(&self, application: ApplicationId, url: &str) -> (EndpointId, bool) {
        match self.endpoint_ids.get(&(application, url.to_owned())) {
            Some(id) => (*id, false),
            None => (EndpointId(self.endpoint_ids.len() as u64 + 1), true),
        }
    }

    /// Writes and keeps a new endpoint.
    pub(crate) fn add_endpoint(
        &mut self,
        connection: &Connection,
        id: EndpointId,
        application: ApplicationId,
        url: &str,
    ) -> Result<(), Trouble> {
        let health = EndpointHealth::new();
        connection
            .prepare_cached(
                "INSERT INTO endpoint (id, application, url, health) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![int(id.0), int(application.0), url, row::to_json(&health)])?;
        self.endpoint_ids.insert((application, url.to_owned()), id);
        self.endpoints.insert(id, Endpoint { written: health.clone(), health });
        Ok(())
    }

    /// The webhooks of an endpoint, in the order of their numbers.
    pub(crate) fn webhooks_of(&self, endpoint: EndpointId) -> Vec<Arc<Webhook>> {
        let ids = self.webhooks_by_endpoint.get(&endpoint).into_iter().flatten();
        ids.filter_map(|id| self.webhooks.get(id).map(Arc::clone)).collect()
    }

    // --- health ---

    /// How an endpoint is.
    pub(crate) fn endpoint(&self, id: EndpointId) -> EndpointHealth {
        self.endpoints.get(&id).map(|endpoint| endpoint.health.clone()).unwrap_or_default()
    }

    /// Keeps how an endpoint is; [`State::flush`] writes it.
    pub(crate) fn keep_endpoint(&mut self, id: EndpointId, health: EndpointHealth) {
        match self.endpoints.get_mut(&id) {
            Some(endpoint) => endpoint.health = health,
            None => {
                let written = EndpointHealth::new();
                self.endpoints.insert(id, Endpoint { health, written });
            }
        }
        self.endpoints_touched.insert(id);
    }

    /// Endpoints whose health was touched since this was last asked.
    pub(crate) fn touched_endpoints(&mut self) -> Vec<(EndpointId, EndpointHealth)> {
        let touched = std::mem::take(&mut self.endpoints_touched);
        touched.into_iter().map(|id| (id, self.endpoint(id))).collect()
    }

    /// How a source is.
    pub(crate) fn source(&self, name: &Name) -> SourceHealth {
        self.sources.get(name).cloned().unwrap_or_default()
    }

    /// Keeps and writes how a source is.
    pub(crate) fn keep_source(
        &mut self,
        connection: &Connection,
        name: &Name,
        health: SourceHealth,
    ) -> Result<(), Trouble> {
        if self.source(name) != health {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO source_health (source, health) VALUES (?1, ?2)",
                )?
                .execute(params![name.as_str(), row::to_json(&health)])?;
            self.sources.insert(name.clone(), health);
        }
        Ok(())
    }

    /// Writes the endpoints that changed, once for a commit however many attempts it holds. A
    /// success that tells nothing but its own time is written once a second at most.
    pub(crate) fn flush(&mut self, connection: &Connection) -> Result<(), Trouble> {
        for id in &self.endpoints_touched {
            let Some(endpoint) = self.endpoints.get_mut(id) else { continue };
            if is_worth_writing(&endpoint.written, &endpoint.health) {
                connection
                    .prepare_cached("UPDATE endpoint SET health = ?2 WHERE id = ?1")?
                    .execute(params![int(id.0), row::to_json(&endpoint.health)])?;
                endpoint.written = endpoint.health.clone();
            }
        }
        Ok(())
    }

    // --- the queue ---

    /// A token that no lease ever had, nor will have after a restart.
    pub(crate) fn new_token(&mut self) -> LeaseToken {
        self.tokens_given += 1;
        self.last_token()
    }

    /// The last one that was given.
    pub(crate) fn last_token(&self) -> LeaseToken {
        LeaseToken((self.epoch << 32) + self.tokens_given)
    }

    /// Keeps that a delivery of the webhook may be taken at that moment.
    fn note_due(&mut self, webhook: WebhookId, at: Elapsed) {
        let due = self.due.entry(webhook).or_insert(at);
        *due = at.min(*due);
    }

    /// A moment on the webhook's running clock before which no deadline of its open deliveries
    /// comes, where it is known.
    pub(crate) fn deadlines_from(&self, webhook: WebhookId) -> Option<Running> {
        self.deadlines.get(&webhook).copied()
    }

    /// Keeps the first deadline of the webhook's open deliveries; `None`: nobody knows it any more.
    pub(crate) fn keep_deadlines_from(&mut self, webhook: WebhookId, first: Option<Running>) {
        match first {
            Some(first) => self.deadlines.insert(webhook, first),
            None => self.deadlines.remove(&webhook),
        };
    }

    /// Keeps the place of a delivery in the queue, after it was written.
    fn place(&mut self, delivery: &Delivery) {
        let webhook = delivery.id.webhook();
        match delivery.state {
            DeliveryState::Leased { .. } => self.leased.insert((webhook, delivery.id)),
            _ => self.leased.remove(&(webhook, delivery.id)),
        };
        if self.due.get(&webhook).is_some_and(|due| delivery.next_at() != Some(*due)) {
            self.due_unsure.insert(webhook);
        }
        let Some(next_at) = delivery.next_at() else { return };
        self.note_due(webhook, next_at);
        if let Some(deadline) = delivery.deadline
            && let Some(first) = self.deadlines.get_mut(&webhook)
        {
            *first = deadline.min(*first);
        }
    }
}

fn is_worth_writing(written: &EndpointHealth, health: &EndpointHealth) -> bool {
    let but_for_success =
        EndpointHealth { last_success_at: written.last_success_at, ..health.clone() };
    let success_ms = |health: &EndpointHealth| health.last_success_at.unwrap_or(Wall(0)).0;
    let second = i64::try_from(SECOND_MS).unwrap_or(i64::MAX);
    but_for_success != *written
        || success_ms(health).abs_diff(success_ms(written)) >= second.unsigned_abs()
        || written.last_success_at.is_none() != health.last_success_at.is_none()
}

/// A setting.
pub(crate) fn setting<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    name: &str,
) -> Result<Option<T>, Trouble> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
        .query_row([name], |found| found.get(0))
        .optional()?;
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| Trouble::corrupt(format!("setting {name}"), error))
}

/// Keeps a setting.
pub(crate) fn keep_setting<T: serde::Serialize>(
    connection: &Connection,
    name: &str,
    value: &T,
) -> Result<(), Trouble> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?
        .execute(params![name, row::to_json(value)])?;
    Ok(())
}

/// One open transaction: the connection, and what the writer knows.
pub(crate) struct Tx<'a> {
    /// The connection that writes.
    pub(crate) connection: &'a Connection,
    /// What is known without reading.
    pub(crate) state: &'a mut State,
}

impl Tx<'_> {
    /// Writes a delivery that is new, and its place in the queue.
    pub(crate) fn insert(&mut self, stored: &Stored) -> Result<(), Trouble> {
        delivery::insert_delivery(self.connection, stored)?;
        self.state.place(&stored.delivery);
        Ok(())
    }

    /// Writes what changed of a delivery, and its place in the queue.
    pub(crate) fn update(&mut self, stored: &Stored) -> Result<(), Trouble> {
        delivery::update_delivery(self.connection, stored)?;
        self.state.place(&stored.delivery);
        Ok(())
    }

    /// Writes that a body was frozen on a delivery, which leaves its place as it is but for the
    /// deadline.
    pub(crate) fn update_frozen(&mut self, stored: &Stored) -> Result<(), Trouble> {
        delivery::update_frozen(self.connection, stored)?;
        self.state.place(&stored.delivery);
        Ok(())
    }

    /// Looks where the queue of a webhook begins.
    pub(crate) fn settle(&mut self, webhook: WebhookId) -> Result<(), Trouble> {
        let first: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT next_at FROM delivery INDEXED BY delivery_open
                 WHERE state < 2 AND webhook = ?1 ORDER BY next_at LIMIT 1",
            )?
            .query_row([int(webhook.0)], |found| found.get(0))
            .optional()?;
        match first {
            Some(at) => self.state.due.insert(webhook, Elapsed(u64::try_from(at).unwrap_or(0))),
            None => self.state.due.remove(&webhook),
        };
        self.state.due_unsure.remove(&webhook);
        Ok(())
    }

    /// An event that a stored delivery belongs to.
    pub(crate) fn event_of(&self, id: DeliveryId) -> Result<Arc<Event>, Trouble> {
        row::event_by_id(self.connection, id.event())?
            .ok_or_else(|| Trouble::corrupt(format!("delivery {id}"), "its event is missing"))
    }

    /// The webhook of a stored delivery, also a deleted one.
    pub(crate) fn webhook_of(&self, id: DeliveryId) -> Result<Arc<Webhook>, Trouble> {
        if let Some(webhook) = self.state.webhooks.get(&id.webhook()) {
            return Ok(Arc::clone(webhook));
        }
        row::webhook(self.connection, id.webhook())?
            .map(Arc::new)
            .ok_or_else(|| Trouble::corrupt(format!("delivery {id}"), "its webhook is missing"))
    }

    /// Tells an owner, or counts it on an equal notice of the last hour.
    pub(crate) fn notify(
        &mut self,
        (application, webhook): (ApplicationId, WebhookId),
        kind: NoticeKind,
        why: &str,
        now: Now,
    ) -> Result<(), Trouble> {
        let text = rules::notice_text(kind, why);
        let kind = row::notice_kind_number(kind);
        let earlier: Option<(i64, i64)> = self
            .connection
            .prepare_cached(
                "SELECT id, first_elapsed FROM notice
                 WHERE webhook = ?1 AND kind = ?2 AND text = ?3 ORDER BY id DESC LIMIT 1",
            )?
            .query_row(params![int(webhook.0), kind, text], |found| {
                Ok((found.get(0)?, found.get(1)?))
            })
            .optional()?;
        let merged_ms = int(rules::NOTICE_MERGED_MS);
        match earlier {
            Some((id, first)) if int(now.elapsed.0).saturating_sub(first) < merged_ms => {
                self.connection
                    .prepare_cached(
                        "UPDATE notice SET count = count + 1, last_at = ?2 WHERE id = ?1",
                    )?
                    .execute(params![id, now.wall.0])?;
            }
            _ => {
                self.connection
                    .prepare_cached(
                        "INSERT INTO notice (application, webhook, kind, text, count, first_at,
                             last_at, first_elapsed)
                         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, ?6)",
                    )?
                    .execute(params![
                        int(application.0),
                        int(webhook.0),
                        kind,
                        text,
                        now.wall.0,
                        int(now.elapsed.0),
                    ])?;
            }
        }
        Ok(())
    }
}
