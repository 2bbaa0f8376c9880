//! What people ask of deliveries: replay, cancel.

use bytes::Bytes;
use tidings_core::{
    delivery::{Delivery, Reason},
    ids::DeliveryId,
    limits::REPLAY_MAX,
    payload::readdress,
    time::Now,
};

use crate::{
    error::WriteError,
    memory::{
        control::not_found,
        state::{Row, State},
    },
    types::{DeliveryFilter, DeliveryView, Replay},
};

impl State {
    pub(super) fn replay(
        &mut self,
        now: Now,
        id: DeliveryId,
        mode: Replay,
    ) -> Result<DeliveryView, WriteError> {
        let Some(row) = self.deliveries.get(&id) else { return Err(not_found("delivery", id)) };
        if row.delivery.erased {
            return Err(WriteError::Erased { what: "delivery", id: id.to_string() });
        }
        if self.webhook_of(id).deleted.is_some() {
            return Err(not_found("webhook", id.webhook()));
        }
        let replay = self.pending_replay(id).unwrap_or_else(|| self.make_replay(now, id, mode));
        Ok(self.view(&self.deliveries[&replay], now.elapsed))
    }

    pub(super) fn replay_all(&mut self, now: Now, filter: &DeliveryFilter, mode: Replay) -> u64 {
        let newest_first = self.deliveries.keys().rev().copied();
        let asked_for: Vec<DeliveryId> =
            newest_first.filter(|id| self.is_asked_for(filter, *id)).collect();
        let mut made = 0;
        for id in asked_for {
            if made == REPLAY_MAX {
                break;
            }
            let is_erased = self.deliveries[&id].delivery.erased;
            if !is_erased
                && self.webhook_of(id).deleted.is_none()
                && self.pending_replay(id).is_none()
            {
                self.make_replay(now, id, mode);
                made += 1;
            }
        }
        made as u64
    }

    /// The replay of the same event to the same webhook that is not final.
    fn pending_replay(&self, id: DeliveryId) -> Option<DeliveryId> {
        let first = DeliveryId::new(id.event(), id.webhook(), 1);
        let last = DeliveryId::new(id.event(), id.webhook(), u64::MAX);
        let replays = self.deliveries.range(first..=last);
        replays.filter(|(_, row)| !row.delivery.state.is_final()).map(|(id, _)| *id).last()
    }

    fn make_replay(&mut self, now: Now, id: DeliveryId, mode: Replay) -> DeliveryId {
        let first = DeliveryId::new(id.event(), id.webhook(), 0);
        let last = DeliveryId::new(id.event(), id.webhook(), u64::MAX);
        let ordinal = self.deliveries.range(first..=last).last().map_or(0, |it| it.0.replay());
        let replay = DeliveryId::new(id.event(), id.webhook(), ordinal + 1);
        let original = &self.deliveries[&id];
        let frozen = original.payload.as_ref().filter(|_| mode == Replay::Frozen);
        let payload = frozen.and_then(|bytes| readdress(bytes, replay)).map(Bytes::from);
        let subjects = if payload.is_some() { original.subjects.clone() } else { Vec::new() };
        let Delivery { application, trigger, test, .. } = original.delivery.clone();
        let delivery = Delivery::born(replay, application, trigger, test, now);
        let endpoint = self.webhook_of(id).webhook.endpoint;
        let attempts = Vec::new();
        self.insert(Row { delivery, claims: 0, endpoint, payload, subjects, attempts });
        replay
    }

    pub(super) fn cancel_delivery(
        &mut self,
        now: Now,
        id: DeliveryId,
        why: Reason,
    ) -> Result<DeliveryView, WriteError> {
        if !self.deliveries.contains_key(&id) {
            return Err(not_found("delivery", id));
        }
        self.change(id, |row| row.delivery.cancel(why, now));
        Ok(self.view(&self.deliveries[&id], now.elapsed))
    }
}
