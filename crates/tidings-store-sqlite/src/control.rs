//! The installation, and what people ask of single deliveries: replay, cancel.

use std::sync::Arc;

use tidings_core::{
    delivery::{Delivery, Reason},
    ids::DeliveryId,
    limits::REPLAY_MAX,
    payload::readdress,
    time::{ClockMark, Now},
};
use tidings_store::{DeliveryFilter, DeliveryView, Replay, WriteError};

use crate::{
    catalog::{self, not_found},
    delivery::{self, Stored},
    erase,
    error::{Stop, Trouble},
    read, row,
    scan::DeliveryScan,
    state::{Tx, keep_setting, setting},
};

type Answer<T> = Result<T, Stop<WriteError>>;

// --- the installation ---

/// The name of the clock's mark in the table of settings.
pub(crate) const CLOCK_MARK: &str = "clock_mark";
/// The name of the sealing key's id in the table of settings.
pub(crate) const KEY_ID: &str = "key_id";

/// See [`tidings_store::Store::keep_clock_mark`].
pub(crate) fn keep_clock_mark(tx: &Tx<'_>, mark: &ClockMark) -> Result<(), Trouble> {
    keep_setting(tx.connection, CLOCK_MARK, mark)
}

/// See [`tidings_store::Store::keep_key_id`].
pub(crate) fn keep_key_id(tx: &Tx<'_>, key_id: &str) -> Result<String, Trouble> {
    if let Some(kept) = setting(tx.connection, KEY_ID)? {
        return Ok(kept);
    }
    keep_setting(tx.connection, KEY_ID, &key_id)?;
    Ok(key_id.to_owned())
}

// --- commands on deliveries ---

fn view(tx: &Tx<'_>, stored: &Stored, now: Now) -> Result<DeliveryView, Trouble> {
    let id = stored.delivery.id;
    let webhook = tx.webhook_of(id)?;
    let health = tx.state.endpoint(webhook.endpoint);
    Ok(read::view(stored, tx.event_of(id)?, webhook, &health, now.elapsed))
}

fn present(tx: &Tx<'_>, id: DeliveryId) -> Answer<Stored> {
    delivery::delivery_by_id(tx.connection, id)?.ok_or_else(|| not_found("delivery", id))
}

/// See [`tidings_store::Store::replay`].
pub(crate) fn replay(
    tx: &mut Tx<'_>,
    now: Now,
    id: DeliveryId,
    mode: Replay,
) -> Answer<DeliveryView> {
    let original = present(tx, id)?;
    if original.delivery.erased {
        let id = id.to_string();
        return Err(Stop::Refused(WriteError::Erased { what: "delivery", id }));
    }
    catalog::present_webhook(tx, id.webhook())?;
    let replay = match siblings(tx, id)?.pending {
        Some(pending) => pending,
        None => make_replay(tx, now, &original, mode)?,
    };
    Ok(view(tx, &replay, now)?)
}

/// See [`tidings_store::Store::replay_all`].
pub(crate) fn replay_all(
    tx: &mut Tx<'_>,
    now: Now,
    filter: &DeliveryFilter,
    mode: Replay,
) -> Result<u64, Trouble> {
    let mut made = 0;
    let mut scan = DeliveryScan::new(filter.clone(), None);
    loop {
        // A replay's id is greater than that of its original: what is made here lies behind the
        // scan.
        let part =
            scan.next_part(tx.connection, &|id| tx.state.webhooks.get(&id).map(Arc::clone))?;
        let Some(part) = part else { return Ok(made) };
        for (original, ..) in part {
            let id = original.delivery.id;
            let listens = tx.state.webhooks.contains_key(&id.webhook());
            if listens && !original.delivery.erased && siblings(tx, id)?.pending.is_none() {
                make_replay(tx, now, &original, mode)?;
                made += 1;
                if made == REPLAY_MAX as u64 {
                    return Ok(made);
                }
            }
        }
    }
}

/// What there is beside a delivery: of the same event to the same webhook.
struct Siblings {
    last_ordinal: u64,
    /// The latest replay that is not final.
    pending: Option<Stored>,
}

fn siblings(tx: &Tx<'_>, id: DeliveryId) -> Result<Siblings, Trouble> {
    let first = DeliveryId::new(id.event(), id.webhook(), 0);
    let last = DeliveryId::new(id.event(), id.webhook(), u64::MAX);
    let bounds = (first.bytes().as_slice(), last.bytes().as_slice());
    let newest = format!(
        "SELECT {} FROM delivery WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
        delivery::DELIVERY
    );
    let newest = delivery::deliveries(tx.connection, &newest, &[&bounds.0, &bounds.1])?.pop();
    let last_ordinal = newest.as_ref().map_or(0, |stored| stored.delivery.id.replay());
    // While one is pending no other is made, so that the pending one, if there is one, is the
    // newest.
    let is_pending =
        |stored: &Stored| stored.delivery.id.replay() > 0 && !stored.delivery.state.is_final();
    Ok(Siblings { last_ordinal, pending: newest.filter(is_pending) })
}

fn make_replay(
    tx: &mut Tx<'_>,
    now: Now,
    original: &Stored,
    mode: Replay,
) -> Result<Stored, Trouble> {
    let id = original.delivery.id;
    let ordinal = siblings(tx, id)?.last_ordinal + 1;
    let id = DeliveryId::new(id.event(), id.webhook(), ordinal);
    let Delivery { application, trigger, test, .. } = original.delivery.clone();
    let frozen = match original.payload {
        Some(payload) if mode == Replay::Frozen => row::payload(tx.connection, payload)?,
        _ => None,
    };
    let frozen = frozen.and_then(|bytes| readdress(&bytes, id));
    let subjects = match original.payload {
        Some(payload) if frozen.is_some() => row::payload_subjects(tx.connection, payload)?,
        _ => Vec::new(),
    };
    let replay = Stored {
        delivery: Delivery::born(id, application, trigger, test, now),
        claims_count: 0,
        endpoint: None,
        payload: frozen
            .as_ref()
            .map(|bytes| row::insert_payload(tx.connection, bytes, &subjects))
            .transpose()?,
        payload_bytes: frozen.as_ref().map(Vec::len),
    };
    tx.insert(&replay)?;
    erase::keep_subjects(tx, &replay, &subjects)?;
    Ok(replay)
}

/// See [`tidings_store::Store::cancel_delivery`].
pub(crate) fn cancel_delivery(
    tx: &mut Tx<'_>,
    now: Now,
    id: DeliveryId,
    why: &Reason,
) -> Answer<DeliveryView> {
    let mut stored = present(tx, id)?;
    if !stored.delivery.state.is_final() {
        stored.delivery.cancel(why.clone(), now);
        tx.update(&stored)?;
    }
    Ok(view(tx, &stored, now)?)
}
