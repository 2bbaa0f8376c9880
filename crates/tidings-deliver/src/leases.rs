//! The leases that this process has, as far as it knows.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidings_core::{delivery::LeaseToken, ids::DeliveryId, limits::LEASE_MS, time::Elapsed};
use tidings_store::{Claimed, Extend, PerItem};

/// Leases, by delivery.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<DeliveryId, Lease>>);

#[derive(Clone, Copy, Debug)]
struct Lease {
    token: LeaseToken,
    expires_at: Elapsed,
}

impl Leases {
    /// Notes a lease, so that it is extended while the attempt lasts.
    pub(crate) fn begin(&self, claimed: &Claimed) {
        let expires_at = claimed.delivery.next_at().unwrap_or_default();
        let lease = Lease { token: claimed.token, expires_at };
        self.all().insert(claimed.delivery.id, lease);
    }

    /// Forgets a lease, unless there is a newer one.
    pub(crate) fn end(&self, delivery: DeliveryId, token: LeaseToken) {
        let mut all = self.all();
        if all.get(&delivery).is_some_and(|lease| lease.token == token) {
            all.remove(&delivery);
        }
    }

    /// Whether the lease still lasts. Who cannot say so must not send: another worker may have the
    /// delivery, and the result could not be recorded.
    pub(crate) fn holds(&self, delivery: DeliveryId, token: LeaseToken, now: Elapsed) -> bool {
        let all = self.all();
        all.get(&delivery).is_some_and(|lease| lease.token == token && lease.expires_at > now)
    }

    /// What is to be extended now, so that every lease lasts until the next time.
    pub(crate) fn to_extend(&self, now: Elapsed) -> Vec<Extend> {
        let expires_at = now.plus_ms(LEASE_MS);
        let soon = now.plus_ms(LEASE_MS * 2 / 3);
        let extend = |delivery: DeliveryId, lease: Lease| Extend {
            token: lease.token,
            delivery,
            expires_at,
        };
        let all = self.all();
        let ending = all.iter().filter(|(_, lease)| lease.expires_at <= soon);
        ending.map(|(delivery, lease)| extend(*delivery, *lease)).collect()
    }

    /// Keeps what the store answered. A lease that was lost is forgotten.
    pub(crate) fn extended(&self, batch: &[Extend], answers: PerItem) {
        for (extend, answer) in batch.iter().zip(answers) {
            if answer.is_err() {
                self.end(extend.delivery, extend.token);
                continue;
            }
            if let Some(lease) = self.all().get_mut(&extend.delivery)
                && lease.token == extend.token
            {
                lease.expires_at = extend.expires_at;
            }
        }
    }

    /// Takes all out, to hand them back.
    pub(crate) fn take_all(&self) -> Vec<(DeliveryId, LeaseToken)> {
        self.all().drain().map(|(delivery, lease)| (delivery, lease.token)).collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<DeliveryId, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
