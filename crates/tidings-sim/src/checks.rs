//! What is looked at after each step, and at the end.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tidings_core::{
    delivery::{ReasonCode, State},
    ids::{DeliveryId, EndpointId},
    time::Elapsed,
    webhook::{PayloadMode, Status},
};
use tidings_store::{DeliveryView, NoticeKind};

use crate::{
    client::{Ledger, check_deliveries, lock},
    endpoints::Seen,
    stage::Stage,
};

/// What was seen before.
pub(crate) struct Checks {
    stage: Stage,
    ledger: Arc<Mutex<Ledger>>,
    finals: HashMap<DeliveryId, State>,
    bodies: HashMap<DeliveryId, Bytes>,
    bodies_seen: usize,
    breakers: BTreeSet<(EndpointId, Elapsed)>,
}

impl Checks {
    pub(crate) fn new(stage: Stage) -> Checks {
        Checks {
            stage,
            ledger: Arc::default(),
            finals: HashMap::new(),
            bodies: HashMap::new(),
            bodies_seen: 0,
            breakers: BTreeSet::new(),
        }
    }

    pub(crate) fn ledger(&self) -> Arc<Mutex<Ledger>> {
        Arc::clone(&self.ledger)
    }

    /// After each step: final states, bodies, breakers.
    pub(crate) async fn look(&mut self) {
        for view in self.stage.deliveries().await {
            self.look_at_state(&view);
        }
        self.look_at_bodies().await;
        for webhook in self.stage.catalog().await.webhooks() {
            let backlog = self.stage.store.backlog(self.stage.now(), webhook.id).await;
            let health = backlog.expect("a webhook of the catalog is there").health;
            if let Some(breaker) = health.breaker
                && self.breakers.insert((webhook.endpoint, breaker.open_since))
            {
                self.stage.witness.count("breakers opened");
            }
        }
    }

    fn look_at_state(&mut self, view: &DeliveryView) {
        let (id, state) = (view.delivery.id, &view.delivery.state);
        if let Some(before) = self.finals.get(&id) {
            if before != state {
                let what = format!("{id}: {before:?}, then {state:?}");
                self.accuse("a final state never changes", what);
            }
            return;
        }
        if !state.is_final() {
            return;
        }
        self.finals.insert(id, state.clone());
        match state.reason().map(|why| why.code) {
            Some(ReasonCode::EndpointDown) => self.stage.witness.count("endpoints given up"),
            Some(ReasonCode::Quarantined) => self.stage.witness.count("set aside"),
            _ => {}
        }
        if state.is_final() && view.delivery.finished_at.is_none() {
            self.accuse("what ended has its end", id.to_string());
        }
    }

    /// Every request of a delivery brought the same bytes, unless its webhook wants new ones.
    async fn look_at_bodies(&mut self) {
        let seen = self.stage.endpoints.seen_after(self.bodies_seen);
        for one in &seen {
            let webhook = self.stage.store.webhook(one.delivery.webhook()).await;
            let webhook = webhook.expect("the store in memory answers");
            if webhook.is_some_and(|webhook| webhook.payload == PayloadMode::Fresh) {
                continue;
            }
            let first = self.bodies.entry(one.delivery).or_insert_with(|| one.body.clone());
            if *first != one.body {
                let what = format!("{} at {}", one.delivery, one.at.0);
                self.accuse("a retry sends the same bytes", what);
            }
        }
        self.bodies_seen += seen.len();
    }

    /// How much waits that nothing blocks.
    pub(crate) async fn pending(&self) -> usize {
        let all = self.stage.deliveries().await;
        all.iter().filter(|view| is_pending(view)).count()
    }

    /// At the end, after everything was mended and time has passed.
    pub(crate) async fn look_at_everything(&mut self) {
        self.look().await;
        let all = self.stage.deliveries().await;
        for view in all.iter().filter(|view| is_pending(view)) {
            let what = format!("{}: {:?}", view.delivery.id, view.delivery.state);
            self.accuse("with the faults gone nothing is left pending", what);
        }
        let (expected, acknowledged) = {
            let ledger = lock(&self.ledger);
            (ledger.expected.clone(), ledger.acknowledged.clone())
        };
        for event in &acknowledged {
            check_deliveries(&self.stage, *event, &expected[event]).await;
        }
        for view in &all {
            if !acknowledged.contains(&view.delivery.id.event()) {
                self.accuse("what is delivered was acknowledged", view.delivery.id.to_string());
            }
        }
        self.look_at_requests(&all).await;
        self.look_at_notices(&all).await;
    }

    /// Each request that a receiver saw is recorded, or another followed it; what is delivered, a
    /// receiver took.
    async fn look_at_requests(&self, all: &[DeliveryView]) {
        let mut by_delivery: HashMap<DeliveryId, Vec<Seen>> = HashMap::new();
        for seen in self.stage.endpoints.seen() {
            by_delivery.entry(seen.delivery).or_default().push(seen);
        }
        for view in all {
            let id = view.delivery.id;
            let seen = by_delivery.remove(&id).unwrap_or_default();
            let attempts = self.stage.attempts(id).await;
            let recorded_at = self.stage.witness.last_attempt_at(id);
            let recorded = seen.last().is_none_or(|last| recorded_at >= Some(last.at));
            let excused =
                !view.delivery.state.is_final() || ended_by_a_claim(view) || ended_by_a_query(view);
            if !recorded && !excused && !self.stage.witness.unwanted(id) {
                let what = format!("{id}: the last of {} is not, {:?}", seen.len(), view.delivery);
                self.accuse("what a receiver saw is recorded or followed by another", what);
            }
            let taken = |one: &Seen| one.status.is_some_and(|status| status / 100 == 2);
            if view.delivery.state == State::Delivered && !seen.iter().any(taken) {
                self.accuse("what is delivered, a receiver took", id.to_string());
            }
            if attempts.len() != view.delivery.attempts_count as usize {
                self.accuse("attempts are counted", id.to_string());
            }
        }
        for id in by_delivery.keys() {
            self.accuse("every request has its delivery", id.to_string());
        }
    }

    /// Whoever lost a delivery was told.
    async fn look_at_notices(&self, all: &[DeliveryView]) {
        let told: BTreeSet<_> = (self.stage.notices().await.iter())
            .filter(|notice| notice.kind == NoticeKind::DeliveryExhausted)
            .map(|notice| notice.webhook)
            .collect();
        let exhausted =
            |view: &&DeliveryView| matches!(view.delivery.state, State::Exhausted { .. });
        for view in all.iter().filter(exhausted) {
            if !told.contains(&view.delivery.id.webhook()) {
                self.accuse("an owner is told of what was exhausted", view.delivery.id.to_string());
            }
        }
    }

    fn accuse(&self, rule: &'static str, what: String) {
        self.stage.witness.accuse(self.stage.clock.elapsed(), rule, what);
    }
}

/// Whether no attempt ended it, but a claim that found nobody at work on it any more.
fn ended_by_a_claim(view: &DeliveryView) -> bool {
    let code = view.delivery.state.reason().map(|why| why.code);
    matches!(code, Some(ReasonCode::EndpointDown | ReasonCode::Quarantined))
}

/// Whether its query, run anew before the next attempt, ended it.
fn ended_by_a_query(view: &DeliveryView) -> bool {
    let is_fresh = view.webhook.payload == PayloadMode::Fresh;
    is_fresh && matches!(view.delivery.state, State::Suppressed { .. })
}

fn is_pending(view: &DeliveryView) -> bool {
    !view.delivery.state.is_final() && view.webhook.status == Status::Active
}
