//! Events come in: matched against the present catalog, once under their idempotency key, all or
//! nothing.
//!
//!   append ─► catalog, keys, entities, tasks, tokens checked
//!          ─► entities, tasks, tokens, keys, events, deliveries written
//!          ─► newborn ones leased

use std::{collections::HashMap, sync::Arc};

use rusqlite::params;
use tidings_core::{
    access::Owner,
    delivery::Delivery,
    event::{Event, IdempotencyKey},
    ids::{ApplicationId, DeliveryId, EventId, WebhookId},
    limits::IDEMPOTENCY_REMEMBERED_MS,
    matching::Match,
    time::Now,
    webhook::{Status, Webhook},
};
use tidings_store::{
    Append, AppendError, Appended, AppendedEvent, Claimed, Idempotency, NewEvent, Room, rules,
};

use crate::{
    delivery::Stored,
    entity, erase,
    error::{Stop, Trouble},
    row::{self, int, length},
    state::Tx,
    task, token,
};

/// What a key was answered with, by an earlier commit or by an earlier event of this one.
struct Known {
    content: [u8; 32],
    answer: AppendedEvent,
}

/// How many rows an append writes, about.
pub(crate) fn weight(append: &Append) -> usize {
    let Append { events, changes, tasks, tokens, .. } = append;
    let deliveries: usize = events.iter().map(|new| new.matches.len()).sum();
    events.len() + deliveries + changes.len() + tasks.len() + tokens.len()
}

/// See [`tidings_store::Store::append`].
pub(crate) fn append(
    tx: &mut Tx<'_>,
    now: Now,
    append: &Append,
) -> Result<Appended, Stop<AppendError>> {
    if append.catalog_version != tx.state.catalog_version() {
        return Err(Stop::Refused(AppendError::StaleCatalog));
    }
    let answers = answers(tx, &append.events, now)?;
    entity::check(tx.connection, append)?;
    task::check(tx, &append.tasks)?;
    token::check(tx, &append.tokens)?;
    // Nothing is refused from here on.
    entity::apply(tx.connection, &append.changes, now)?;
    for erasure in &append.erasures {
        erase::erase(tx, erasure, now)?;
    }
    for change in &append.tasks {
        task::apply(tx.connection, change)?;
    }
    for revocation in &append.revocations {
        token::revoke_by(tx, revocation, now)?;
    }
    for new in &append.tokens {
        token::insert(tx, now, new)?;
    }
    let mut room = append.room.clone();
    let mut newborn = Vec::new();
    let mut born_count = 0;
    for (new, answer) in append.events.iter().zip(&answers) {
        if answer.duplicate {
            continue;
        }
        if let Some(idempotency) = &new.idempotency {
            remember(tx, idempotency, answer, now)?;
        }
        row::insert_event(tx.connection, &new.event)?;
        let event = Arc::new(new.event.clone());
        for found in &new.matches {
            born_count += 1;
            newborn.extend(bear(tx, &event, found, room.as_mut(), now)?);
        }
    }
    let left = newborn.len() < born_count;
    Ok(Appended { events: answers, newborn, left })
}

/// What is answered for each event, if the append is made.
fn answers(
    tx: &Tx<'_>,
    events: &[NewEvent],
    now: Now,
) -> Result<Vec<AppendedEvent>, Stop<AppendError>> {
    let mut within: HashMap<(&Owner, &IdempotencyKey), Known> = HashMap::new();
    let mut answers = Vec::with_capacity(events.len());
    for (index, new) in events.iter().enumerate() {
        if let Some(idempotency) = &new.idempotency {
            let earlier = known(tx, idempotency, now)?;
            let key = (&idempotency.owner, &idempotency.key);
            if let Some(known) = within.get(&key).or(earlier.as_ref()) {
                if known.content != idempotency.content {
                    return Err(Stop::Refused(AppendError::IdempotencyConflict { index }));
                }
                answers.push(AppendedEvent { duplicate: true, ..known.answer });
                continue;
            }
        }
        if new.matches.iter().any(|it| !tx.state.webhooks.contains_key(&it.webhook.id)) {
            return Err(Stop::Refused(AppendError::StaleCatalog));
        }
        let (id, deliveries) = (new.event.id, new.matches.len());
        let answer = AppendedEvent { id, deliveries, duplicate: false };
        if let Some(idempotency) = &new.idempotency {
            let key = (&idempotency.owner, &idempotency.key);
            within.insert(key, Known { content: idempotency.content, answer });
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn owner_number(owner: &Owner) -> i64 {
    match owner {
        Owner::Operator => row::owner(None),
        Owner::Application(ApplicationId(id)) => int(*id),
    }
}

fn known(tx: &Tx<'_>, idempotency: &Idempotency, now: Now) -> Result<Option<Known>, Trouble> {
    let mut statement = tx.connection.prepare_cached(
        "SELECT content, event, deliveries_count, expires_at FROM idempotency
         WHERE owner = ?1 AND key = ?2",
    )?;
    let owner = owner_number(&idempotency.owner);
    let mut rows = statement.query(params![owner, idempotency.key.as_str()])?;
    let Some(found) = rows.next()? else { return Ok(None) };
    if now.elapsed.0 >= row::number(found, 3, "idempotency")? {
        return Ok(None);
    }
    let deliveries = row::number(found, 2, "idempotency")?;
    let answer = AppendedEvent {
        id: EventId::from_bytes(row::bytes(found, 1, "idempotency")?),
        deliveries: usize::try_from(deliveries).unwrap_or(usize::MAX),
        duplicate: true,
    };
    Ok(Some(Known { content: row::bytes(found, 0, "idempotency")?, answer }))
}

fn remember(
    tx: &Tx<'_>,
    idempotency: &Idempotency,
    answer: &AppendedEvent,
    now: Now,
) -> Result<(), Trouble> {
    // `REPLACE`: what stands there has expired, else it would have been answered.
    tx.connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency (owner, key, content, event, deliveries_count,
                 expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            owner_number(&idempotency.owner),
            idempotency.key.as_str(),
            idempotency.content.as_slice(),
            answer.id.bytes().as_slice(),
            length(answer.deliveries),
            int(now.elapsed.plus_ms(IDEMPOTENCY_REMEMBERED_MS).0),
        ])?;
    Ok(())
}

/// See [`tidings_store::Store::forget_expired`]. Keys stand in the order of time: those that have
/// expired stand first.
pub(crate) fn forget_expired(tx: &Tx<'_>, now: Now) -> Result<u64, Trouble> {
    let forgotten = tx
        .connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE id IN (
                 SELECT id FROM (SELECT id, expires_at FROM idempotency ORDER BY id LIMIT ?1)
                 WHERE expires_at <= ?2)",
        )?
        .execute(params![length(rules::FORGOTTEN_PER_COMMIT_MAX), int(now.elapsed.0)])?;
    let forgotten = forgotten + token::forget_expired(tx, now)?;
    Ok((forgotten + entity::forget_expired(tx.connection, now)?) as u64)
}

/// A delivery comes into being, and goes to the worker that appended it where there is room.
fn bear(
    tx: &mut Tx<'_>,
    event: &Arc<Event>,
    found: &Match,
    room: Option<&mut Room>,
    now: Now,
) -> Result<Option<Claimed>, Trouble> {
    let id = DeliveryId::new(event.id, found.webhook.id, 0);
    let webhook = tx.webhook_of(id)?;
    let trigger = found.trigger.clone();
    let mut stored = Stored {
        delivery: Delivery::born(id, webhook.application, trigger, event.test, now),
        claims_count: 0,
        endpoint: None,
        payload: None,
        payload_bytes: None,
    };
    let goes = event.test
        || room.as_deref().is_some_and(|room| has_room(tx, &webhook, room, now))
            && !has_backlog(tx, webhook.id, now)?;
    let room = room.filter(|_| goes);
    let claimed =
        room.map(|room| lease(tx, &mut stored, event, &webhook, room, now)).transpose()?;
    tx.insert(&stored)?;
    Ok(claimed)
}

/// Whether something of the webhook waits that is due: it goes before what is new. Nearly always
/// known without reading.
fn has_backlog(tx: &mut Tx<'_>, webhook: WebhookId, now: Now) -> Result<bool, Trouble> {
    let is_due = |tx: &Tx<'_>| tx.state.due.get(&webhook).is_some_and(|at| *at <= now.elapsed);
    if is_due(tx) && tx.state.due_unsure.contains(&webhook) {
        tx.settle(webhook)?;
    }
    Ok(is_due(tx))
}

fn has_room(tx: &Tx<'_>, webhook: &Webhook, room: &Room, now: Now) -> bool {
    if room.permits == 0 || webhook.status != Status::Active {
        return false;
    }
    let health = tx.state.endpoint(webhook.endpoint);
    health.breaker.is_none()
        && room.fits(webhook.endpoint, &health, now.elapsed)
        && tx.state.source(&webhook.source).down.is_none()
}

/// Gives a delivery to the worker whose room it is, and takes a permit where there is one. The
/// caller writes it.
pub(crate) fn lease(
    tx: &mut Tx<'_>,
    stored: &mut Stored,
    event: &Arc<Event>,
    webhook: &Arc<Webhook>,
    room: &mut Room,
    now: Now,
) -> Result<Claimed, Trouble> {
    let token = tx.state.new_token();
    room.take(webhook.endpoint);
    let health = tx.state.endpoint(webhook.endpoint);
    let held_since = rules::held_since(&stored.delivery, webhook, &health);
    stored.delivery.lease(token, room.lease_until);
    stored.claims_count = stored.claims_count.saturating_add(1);
    stored.endpoint = Some(webhook.endpoint);
    let payload = match stored.payload {
        Some(id) => row::payload(tx.connection, id)?,
        None => None,
    };
    Ok(Claimed {
        token,
        delivery: stored.delivery.clone(),
        event: Arc::clone(event),
        payload: payload.map(Into::into),
        deadline: stored.delivery.deadline.map(|it| webhook.clock.moment(it, now.elapsed)),
        held_since,
        webhook: Arc::clone(webhook),
    })
}
