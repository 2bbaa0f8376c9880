//! What can be read: single rows, pages newest first, counts. Runs on connections that cannot
//! write, beside the writer.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value};
use tidings_core::{
    catalog::Catalog,
    event::Event,
    health::{EndpointHealth, SourceHealth},
    ids::{ApplicationId, DeliveryId, EventId, NoticeId, WebhookId},
    limits::PAGE_MAX,
    time::{Elapsed, Now},
    webhook::{Status, Webhook},
};
use tidings_store::{
    DeliveryFilter, DeliveryView, EventFilter, Notice, Page, Paged, Stats, WebhookFilter, rules,
};

use crate::{
    delivery::{self as stored_delivery, Stored},
    error::Trouble,
    row::{self, int, length},
    scan::{DeliveryScan, END},
    shared::Shared,
};

/// The first items, and whether there are more: `found` holds one more than the page where there
/// are.
fn page<T>(mut found: Vec<T>, first: usize) -> Paged<T> {
    let has_next_page = found.len() > first;
    found.truncate(first);
    Paged { items: found, has_next_page }
}

fn size<C>(page: &Page<C>) -> usize {
    page.first.clamp(1, PAGE_MAX)
}

// --- webhooks ---

/// See [`tidings_store::Store::webhooks`].
pub(crate) fn webhooks(
    catalog: &Catalog,
    filter: &WebhookFilter,
    asked: &Page<WebhookId>,
) -> Paged<Arc<Webhook>> {
    let after = asked.after.unwrap_or(WebhookId(0));
    let is_asked_for = |webhook: &&Arc<Webhook>| {
        let status = rules::webhook_status(&webhook.status);
        webhook.id > after
            && filter.application.is_none_or(|application| application == webhook.application)
            && filter.trigger.as_ref().is_none_or(|trigger| webhook.triggers.contains(trigger))
            && (filter.statuses.is_empty() || filter.statuses.contains(&status))
    };
    let mut found: Vec<Arc<Webhook>> =
        catalog.webhooks().filter(is_asked_for).map(Arc::clone).collect();
    found.sort_unstable_by_key(|webhook| webhook.id);
    page(found, size(asked))
}

/// How many deliveries wait for a webhook, to a bound, and the first moment at which one may be
/// taken.
pub(crate) fn waiting(
    connection: &Connection,
    id: WebhookId,
) -> Result<(u64, Option<Elapsed>), Trouble> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*), min(next_at) FROM (
             SELECT next_at FROM delivery INDEXED BY delivery_open
             WHERE state < 2 AND webhook = ?1 ORDER BY next_at LIMIT ?2)",
    )?;
    let mut rows = statement.query([int(id.0), int(rules::BACKLOG_COUNTED_MAX)])?;
    let Some(found) = rows.next()? else { return Ok((0, None)) };
    let oldest = row::number_if(found, 1, "delivery")?;
    Ok((row::number(found, 0, "delivery")?, oldest.map(Elapsed)))
}

// --- counts ---

/// See [`tidings_store::Store::stats`].
pub(crate) fn stats(
    connection: &Connection,
    catalog: &Catalog,
    shared: &Shared,
    now: Now,
) -> Result<Stats, Trouble> {
    let down = sources_down(connection)?;
    let flows = |id: WebhookId| {
        catalog.webhook(id).is_some_and(|webhook| {
            webhook.status == Status::Active
                && shared.health(webhook.endpoint).breaker.is_none()
                && !down.iter().any(|name| name == webhook.source.as_str())
        })
    };
    let waiting: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM (
                 SELECT 1 FROM delivery INDEXED BY delivery_open WHERE state < 2 LIMIT ?1)",
        )?
        .query_row([int(rules::WAITING_COUNTED_MAX)], |row| row.get(0))?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let page_size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let oldest = queue_heads(connection)?
        .into_iter()
        .filter(|(id, at)| *at <= now.elapsed && flows(*id))
        .map(|(_, at)| at)
        .min();
    Ok(Stats {
        oldest_due_at: oldest,
        waiting: u64::try_from(waiting).unwrap_or(0),
        webhooks: catalog.webhooks().count() as u64,
        bytes: u64::try_from(pages.saturating_mul(page_size)).ok(),
    })
}

fn sources_down(connection: &Connection) -> Result<Vec<String>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT source, health FROM source_health")?;
    let mut rows = statement.query([])?;
    let mut down = Vec::new();
    while let Some(found) = rows.next()? {
        let health: SourceHealth = row::json(found, 1, "source_health")?;
        if health.down.is_some() {
            down.push(found.get(0)?);
        }
    }
    Ok(down)
}

/// The first moment of each webhook's queue: one step on the index for each webhook, however many
/// deliveries wait.
pub(crate) fn queue_heads(connection: &Connection) -> Result<Vec<(WebhookId, Elapsed)>, Trouble> {
    let mut next = connection.prepare_cached(
        "SELECT webhook, next_at FROM delivery INDEXED BY delivery_open
         WHERE state < 2 AND webhook > ?1 ORDER BY webhook, next_at LIMIT 1",
    )?;
    let mut heads = Vec::new();
    let mut last = 0;
    loop {
        let mut rows = next.query([last])?;
        let Some(found) = rows.next()? else { return Ok(heads) };
        let id = row::number(found, 0, "delivery")?;
        heads.push((WebhookId(id), Elapsed(row::number(found, 1, "delivery")?)));
        last = int(id);
    }
}

// --- events ---

/// See [`tidings_store::Store::events`].
pub(crate) fn events(
    connection: &Connection,
    filter: &EventFilter,
    asked: &Page<EventId>,
) -> Result<Paged<Arc<Event>>, Trouble> {
    // An application sees its own events and those for all. Each kind is a walk along the index;
    // the newest of both count.
    let owners: Vec<Option<Value>> = match filter.application {
        None => vec![None],
        Some(id) => vec![Some(Value::from(int(id.0))), Some(Value::Null)],
    };
    let mut found = Vec::new();
    for owner in owners {
        let mut sql = format!("SELECT {} FROM event WHERE id < ?", row::EVENT);
        let before = asked.after.map_or(END.to_vec(), |after| after.bytes().to_vec());
        let mut parameters = vec![Value::from(before)];
        if let Some(owner) = owner {
            // With the unary plus the entity's index is taken where there is one.
            sql += if filter.entity.is_some() {
                " AND +application IS ?"
            } else {
                " AND application IS ?"
            };
            parameters.push(owner);
        }
        let texts = [
            (" AND entity = ?", filter.entity.clone()),
            (" AND trigger = ?", filter.trigger.as_ref().map(|it| it.as_str().to_owned())),
        ];
        for (condition, text) in texts {
            if let Some(text) = text {
                sql += condition;
                parameters.push(Value::from(text));
            }
        }
        for (condition, at) in [(" AND date >= ?", filter.from), (" AND date < ?", filter.until)] {
            if let Some(at) = at {
                sql += condition;
                parameters.push(Value::from(at.0));
            }
        }
        sql += " ORDER BY id DESC LIMIT ?";
        parameters.push(Value::from(length(size(asked) + 1)));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            found.push(Arc::new(row::event(row)?));
        }
    }
    found.sort_unstable_by_key(|event| std::cmp::Reverse(event.id));
    Ok(page(found, size(asked)))
}

// --- deliveries ---

/// A delivery as people see it.
pub(crate) fn view(
    stored: &Stored,
    event: Arc<Event>,
    webhook: Arc<Webhook>,
    health: &EndpointHealth,
    now: Elapsed,
) -> DeliveryView {
    DeliveryView {
        shown: rules::shown(&stored.delivery, &webhook),
        event,
        deadline: rules::shown_deadline(&stored.delivery, &webhook, health, now),
        held_back_until: rules::held_back_until(&stored.delivery, health, now),
        webhook,
        payload_bytes: stored.payload_bytes,
        delivery: stored.delivery.clone(),
    }
}

/// See [`tidings_store::Store::deliveries`].
pub(crate) fn deliveries(
    connection: &Connection,
    catalog: &Catalog,
    shared: &Shared,
    now: Now,
    filter: DeliveryFilter,
    asked: &Page<DeliveryId>,
) -> Result<Paged<DeliveryView>, Trouble> {
    let mut scan = DeliveryScan::new(filter, asked.after);
    let mut found = Vec::new();
    let known = |id| catalog.webhook(id).cloned();
    while found.len() <= size(asked) {
        let Some(part) = scan.next_part(connection, &known)? else { break };
        found.extend(part.into_iter().map(|(stored, event, webhook)| {
            let health = shared.health(webhook.endpoint);
            view(&stored, event, webhook, &health, now.elapsed)
        }));
    }
    Ok(page(found, size(asked)))
}

/// See [`tidings_store::Store::delivery`].
pub(crate) fn delivery(
    connection: &Connection,
    catalog: &Catalog,
    shared: &Shared,
    now: Now,
    id: DeliveryId,
) -> Result<Option<DeliveryView>, Trouble> {
    let Some(stored) = stored_delivery::delivery_by_id(connection, id)? else { return Ok(None) };
    let mut scan = DeliveryScan::new(DeliveryFilter::default(), None);
    let event = scan.event(connection, id)?;
    let webhook = scan.webhook(connection, id, &|id| catalog.webhook(id).cloned())?;
    let health = shared.health(webhook.endpoint);
    Ok(Some(view(&stored, event, webhook, &health, now.elapsed)))
}

/// See [`tidings_store::Store::deliveries_of`].
pub(crate) fn deliveries_of(
    connection: &Connection,
    catalog: &Catalog,
    shared: &Shared,
    now: Now,
    event: EventId,
) -> Result<Vec<DeliveryView>, Trouble> {
    let mut end = event.bytes().to_vec();
    end.extend_from_slice(&END);
    let sql = format!(
        "SELECT {} FROM delivery WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
        stored_delivery::DELIVERY
    );
    let bound = length(rules::DELIVERIES_OF_EVENT_MAX);
    let rows =
        stored_delivery::deliveries(connection, &sql, &[&event.bytes().as_slice(), &end, &bound])?;
    let mut scan = DeliveryScan::new(DeliveryFilter::default(), None);
    let mut found = Vec::with_capacity(rows.len());
    for stored in rows {
        let event = scan.event(connection, stored.delivery.id)?;
        let known = |id| catalog.webhook(id).cloned();
        let webhook = scan.webhook(connection, stored.delivery.id, &known)?;
        let health = shared.health(webhook.endpoint);
        found.push(view(&stored, event, webhook, &health, now.elapsed));
    }
    Ok(found)
}

/// See [`tidings_store::Store::payload`].
pub(crate) fn payload(connection: &Connection, id: DeliveryId) -> Result<Option<Bytes>, Trouble> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached(
            "SELECT body FROM payload
             WHERE id = (SELECT payload FROM delivery WHERE id = ?1)",
        )?
        .query_row([id.bytes().as_slice()], |row| row.get(0))
        .optional()?;
    Ok(body.map(Bytes::from))
}

// --- notices ---

/// See [`tidings_store::Store::notices`].
pub(crate) fn notices(
    connection: &Connection,
    application: Option<ApplicationId>,
    asked: &Page<NoticeId>,
) -> Result<Paged<Notice>, Trouble> {
    let before = asked.after.map_or(i64::MAX, |after| int(after.0));
    let mut parameters = vec![Value::from(before), Value::from(length(size(asked) + 1))];
    let mut of = "";
    if let Some(application) = application {
        parameters.push(Value::from(int(application.0)));
        of = "AND application = ?3";
    }
    let sql =
        format!("SELECT {} FROM notice WHERE id < ?1 {of} ORDER BY id DESC LIMIT ?2", row::NOTICE);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(row::notice(row)?);
    }
    Ok(page(found, size(asked)))
}
