//! What workers bring back, fenced by their leases. A lost lease sinks its own item alone.

use std::sync::Arc;

use tidings_core::{
    delivery::{LeaseToken, Step},
    health::SourceHealth,
    ids::{DeliveryId, EntityId},
    time::Now,
    webhook::{Status, Webhook},
};
use tidings_store::{Extend, Freeze, LeaseLost, NoticeKind, PerItem, Record, SourceSeen, rules};

use crate::{
    catalog,
    delivery::{self, Stored},
    erase,
    error::Trouble,
    row,
    state::Tx,
};

fn leased(
    tx: &Tx<'_>,
    id: DeliveryId,
    token: LeaseToken,
) -> Result<Result<Stored, LeaseLost>, Trouble> {
    let found = delivery::delivery_by_id(tx.connection, id)?;
    Ok(found.filter(|it| it.delivery.is_leased_by(token)).ok_or(LeaseLost { delivery: id }))
}

/// See [`tidings_store::Store::extend_leases`].
pub(crate) fn extend_leases(tx: &mut Tx<'_>, batch: &[Extend]) -> Result<PerItem, Trouble> {
    let mut answers = Vec::with_capacity(batch.len());
    for item in batch {
        let found = leased(tx, item.delivery, item.token)?;
        answers.push(match found {
            Ok(mut stored) => {
                stored.delivery.extend(item.token, item.expires_at);
                tx.update(&stored)?;
                Ok(())
            }
            Err(lost) => Err(lost),
        });
    }
    Ok(answers)
}

/// See [`tidings_store::Store::freeze_payloads`].
pub(crate) fn freeze_payloads(
    tx: &mut Tx<'_>,
    now: Now,
    batch: &[Freeze],
) -> Result<PerItem, Trouble> {
    let mut answers = Vec::with_capacity(batch.len());
    for item in batch {
        let found = leased(tx, item.delivery, item.token)?;
        answers.push(match found {
            Ok(stored) => {
                let subjects = subjects(tx, item)?;
                if tells_of_erased(tx, &stored, item, subjects.as_deref()) {
                    Err(LeaseLost { delivery: item.delivery })
                } else {
                    freeze(tx, now, stored, item, subjects)?;
                    Ok(())
                }
            }
            Err(lost) => Err(lost),
        });
    }
    Ok(answers)
}

/// Whom the body tells of beside its event's entity; `None` where it is the body that is there.
fn subjects(tx: &Tx<'_>, item: &Freeze) -> Result<Option<Vec<EntityId>>, Trouble> {
    Ok(match &item.subjects {
        None => None,
        Some(subjects) if subjects.is_empty() => Some(Vec::new()),
        Some(subjects) => Some(rules::subjects_beside(&*tx.event_of(item.delivery)?, subjects)),
    })
}

fn tells_of_erased(
    tx: &Tx<'_>,
    stored: &Stored,
    item: &Freeze,
    subjects: Option<&[EntityId]>,
) -> bool {
    let application = stored.delivery.application;
    subjects.is_some_and(|them| tx.state.late_erasures.forbid(application, them, item.token))
}

fn freeze(
    tx: &mut Tx<'_>,
    now: Now,
    mut stored: Stored,
    item: &Freeze,
    subjects: Option<Vec<EntityId>>,
) -> Result<(), Trouble> {
    let clock = tx.webhook_of(item.delivery)?.clock;
    stored.delivery.freeze(clock.running(item.deadline, now.elapsed));
    let before = match stored.payload {
        Some(id) => row::payload_subjects(tx.connection, id)?,
        None => Vec::new(),
    };
    let subjects = subjects.unwrap_or_else(|| before.clone());
    match stored.payload {
        Some(id) => row::update_payload(tx.connection, id, &item.payload, &subjects)?,
        None => {
            stored.payload = Some(row::insert_payload(tx.connection, &item.payload, &subjects)?);
        }
    }
    if subjects != before {
        erase::forget_subjects(tx, &stored, &before)?;
        erase::keep_subjects(tx, &stored, &subjects)?;
    }
    stored.payload_bytes = Some(item.payload.len());
    tx.update_frozen(&stored)
}

/// See [`tidings_store::Store::record`].
pub(crate) fn record(tx: &mut Tx<'_>, now: Now, batch: &[Record]) -> Result<PerItem, Trouble> {
    let mut answers = Vec::with_capacity(batch.len());
    for item in batch {
        let found = leased(tx, item.delivery, item.token)?;
        answers.push(match found {
            Ok(stored) => {
                record_one(tx, now, stored, item)?;
                Ok(())
            }
            Err(lost) => Err(lost),
        });
    }
    Ok(answers)
}

fn record_one(tx: &mut Tx<'_>, now: Now, mut stored: Stored, item: &Record) -> Result<(), Trouble> {
    let id = item.delivery;
    if let Some(seen) = &item.source {
        learn_of_source(tx, id, seen, now)?;
    }
    if let Some(endpoint) = stored.endpoint {
        let mut health = tx.state.endpoint(endpoint);
        match &item.attempt {
            Some(made) => health = health.after(id, &made.attempt.outcome, now),
            None => health.give_back(id, now.elapsed),
        }
        tx.state.keep_endpoint(endpoint, health);
    }
    if let Some(made) = &item.attempt {
        stored.delivery.attempts_count += 1;
        row::insert_attempt(tx.connection, id, &made.attempt)?;
    }
    stored.delivery.take(&item.step, now);
    stored.claims_count = 0;
    tx.update(&stored)?;
    if let Step::Exhaust { why } = &item.step {
        let about = (stored.delivery.application, id.webhook());
        tx.notify(about, NoticeKind::DeliveryExhausted, &why.detail, now)?;
    }
    match rules::status_after(&item.step) {
        Some((status, kind)) => stop_webhook(tx, id, status, kind, now),
        None => Ok(()),
    }
}

fn learn_of_source(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    seen: &SourceSeen,
    now: Now,
) -> Result<(), Trouble> {
    let name = tx.webhook_of(id)?.source.clone();
    let health = match seen.answered {
        true => SourceHealth::default(),
        false => tx.state.source(&name).after_failure(seen.started_at, seen.wait_ms, now.elapsed),
    };
    tx.state.keep_source(tx.connection, &name, health)
}

fn stop_webhook(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    status: Status,
    kind: NoticeKind,
    now: Now,
) -> Result<(), Trouble> {
    let Some(stored) = tx.state.webhooks.get(&id.webhook()).map(Arc::clone) else { return Ok(()) };
    if stored.status != Status::Active {
        return Ok(());
    }
    let why = status.reason().unwrap_or_default().to_owned();
    let mut webhook = Webhook::clone(&stored);
    webhook.set_status(status, now.elapsed);
    webhook.version += 1;
    webhook.updated_at = now.wall;
    let about = (webhook.application, webhook.id);
    catalog::write_webhook(tx, webhook)?;
    tx.notify(about, kind, &why, now)
}
