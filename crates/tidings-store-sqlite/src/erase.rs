//! What may not be told any more: deliveries that tell of someone are ended, and their bodies
//! removed.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use tidings_core::{
    ids::{ApplicationId, DeliveryId, EntityId},
    time::Now,
};
use tidings_store::{Erasure, rules};

use crate::{
    delivery::{self, Stored},
    error::Trouble,
    row::{self, int},
    state::Tx,
};

/// Notes whom a frozen body tells of. The event's own entity needs no row: it is found by its
/// event.
pub(crate) fn keep_subjects(
    tx: &Tx<'_>,
    stored: &Stored,
    subjects: &[EntityId],
) -> Result<(), Trouble> {
    let mut statement = tx.connection.prepare_cached(
        "INSERT OR IGNORE INTO payload_subject (application, subject, delivery)
         VALUES (?1, ?2, ?3)",
    )?;
    for subject in subjects {
        let id = stored.delivery.id.bytes();
        let application = int(stored.delivery.application.0);
        statement.execute(params![application, subject.as_str(), id.as_slice()])?;
    }
    Ok(())
}

/// A body was replaced: whom it told of is not told of any more.
pub(crate) fn forget_subjects(
    tx: &Tx<'_>,
    stored: &Stored,
    subjects: &[EntityId],
) -> Result<(), Trouble> {
    let mut statement = tx.connection.prepare_cached(
        "DELETE FROM payload_subject WHERE application = ?1 AND subject = ?2 AND delivery = ?3",
    )?;
    for subject in subjects {
        let id = stored.delivery.id.bytes();
        let application = int(stored.delivery.application.0);
        statement.execute(params![application, subject.as_str(), id.as_slice()])?;
    }
    Ok(())
}

/// See [`tidings_store::Append::erasures`].
pub(crate) fn erase(tx: &mut Tx<'_>, erasure: &Erasure, now: Now) -> Result<(), Trouble> {
    let last_lease = tx.state.last_token();
    let Erasure { application, entities } = erasure;
    tx.state.late_erasures.note(*application, entities, last_lease, now.elapsed);
    let mut found: BTreeSet<DeliveryId> = BTreeSet::new();
    for entity in &erasure.entities {
        found.extend(of_events_about(tx.connection, erasure.application, entity)?);
        found.extend(telling_of(tx.connection, erasure.application, entity)?);
        tx.connection
            .prepare_cached("DELETE FROM payload_subject WHERE application = ?1 AND subject = ?2")?
            .execute(params![int(erasure.application.0), entity.as_str()])?;
    }
    for id in found {
        let Some(mut stored) = delivery::delivery_by_id(tx.connection, id)? else { continue };
        if let Some(payload) = stored.payload.take() {
            row::delete_payload(tx.connection, payload)?;
        }
        stored.payload_bytes = None;
        row::forget_answers(tx.connection, id)?;
        stored.delivery.erase(rules::consent_withdrawn(), now);
        tx.update(&stored)?;
    }
    Ok(())
}

fn of_events_about(
    connection: &Connection,
    application: ApplicationId,
    entity: &EntityId,
) -> Result<Vec<DeliveryId>, Trouble> {
    // An id is its event's 16 bytes and 16 more.
    let sql = "SELECT delivery.id FROM event INDEXED BY event_by_entity
         CROSS JOIN delivery ON delivery.id BETWEEN event.id AND
             CAST(event.id || x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF' AS BLOB)
         WHERE event.entity = ?1 AND delivery.application = ?2";
    ids(connection, sql, entity, application)
}

fn telling_of(
    connection: &Connection,
    application: ApplicationId,
    entity: &EntityId,
) -> Result<Vec<DeliveryId>, Trouble> {
    let sql = "SELECT delivery FROM payload_subject WHERE subject = ?1 AND application = ?2";
    ids(connection, sql, entity, application)
}

fn ids(
    connection: &Connection,
    sql: &str,
    entity: &EntityId,
    application: ApplicationId,
) -> Result<Vec<DeliveryId>, Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![entity.as_str(), int(application.0)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(DeliveryId::from_bytes(row::bytes(row, 0, "delivery")?));
    }
    Ok(found)
}
