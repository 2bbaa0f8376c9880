//! Work is given out: one delivery of each webhook in turn, round after round.
//!
//!   webhooks with due work ─► closed breaker, room ─► its first
//!                         └─► open breaker ─► its turn, and first of its endpoint ─► its first
//!                                         └─► past its deadline: one a second goes, the rest end

use std::{collections::BTreeSet, sync::Arc};

use tidings_core::{
    delivery::{Reason, State::Pending},
    health::EndpointHealth,
    ids::{DeliveryId, WebhookId},
    time::{Elapsed, Now},
    webhook::{Running, Status, Webhook},
};

use crate::{
    memory::state::{Queue, Row, State},
    rules,
    types::{Claim, Claimed, ClaimedBatch, Room},
};

type Place = (Elapsed, DeliveryId);

const FIRST_ID: DeliveryId = DeliveryId::from_bytes([0; 32]);

/// One call of `claim_due`.
struct Claiming<'a> {
    state: &'a mut State,
    now: Now,
    room: Room,
    claimed: Vec<Claimed>,
    /// Deliveries that may still be exhausted in this commit.
    ends_left: usize,
}

impl State {
    pub(super) fn claim_due(&mut self, now: Now, claim: Claim) -> ClaimedBatch {
        let due = self.due_webhooks(now.elapsed);
        let mut claiming = Claiming {
            state: self,
            now,
            room: claim.room,
            claimed: Vec::new(),
            ends_left: rules::ENDED_PER_COMMIT_MAX,
        };
        claiming.give_up_on_sources(&due);
        claiming.serve_in_turn(&due);
        let (claimed, ends_left) = (claiming.claimed, claiming.ends_left);
        let next_at = if ends_left == 0 { Some(now.elapsed) } else { self.next_at(now.elapsed) };
        ClaimedBatch { claimed, next_at }
    }

    /// Active webhooks that have due work, beginning after the one that was served last.
    fn due_webhooks(&self, now: Elapsed) -> Vec<Arc<Webhook>> {
        let is_due = |queue: &Queue| queue.first_at().is_some_and(|at| at <= now);
        let due = self.queues.iter().filter(|(_, queue)| is_due(queue));
        let ids = due.map(|(id, _)| *id).filter_map(|id| self.active(id));
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for webhook in ids {
            let is_after = self.served.is_none_or(|served| webhook.id > served);
            if is_after { first.push(webhook) } else { later.push(webhook) }
        }
        first.append(&mut later);
        first
    }

    fn active(&self, id: WebhookId) -> Option<Arc<Webhook>> {
        let row = &self.webhooks[&id];
        let active = row.deleted.is_none() && row.webhook.status == Status::Active;
        active.then(|| Arc::clone(&row.webhook))
    }

    /// The first delivery of a webhook that is due and whose source lets it go.
    fn head(&self, webhook: &Webhook, now: Elapsed) -> Option<Place> {
        let queue = self.queues.get(&webhook.id)?;
        let answers = self.source(&webhook.source).allows(now);
        let bodied = queue.bodied.iter().take_while(|place| place.0 <= now);
        let bodied = bodied.copied().find(|place| answers || !self.needs_query(webhook, place.1));
        let bodiless = queue.bodiless.first().copied().filter(|place| answers && place.0 <= now);
        [bodied, bodiless].into_iter().flatten().min()
    }

    fn needs_query(&self, webhook: &Webhook, id: DeliveryId) -> bool {
        let Row { delivery, payload, .. } = &self.deliveries[&id];
        rules::needs_query(webhook, delivery, payload.is_some())
    }

    /// Due deliveries of a webhook behind an open breaker whose deadline has passed, the longest
    /// due first. What waits for a source that is down is none of them.
    fn past_deadline(
        &self,
        webhook: &Webhook,
        health: &EndpointHealth,
        now: Elapsed,
    ) -> Vec<Place> {
        let Some(queue) = self.queues.get(&webhook.id) else { return Vec::new() };
        let reading = webhook.clock.reading(now);
        let dated = queue.deadlines.iter().take_while(|entry| entry.0 <= reading).map(|it| it.1);
        // The 72 hours of the others began when they were due, at the earliest.
        let latest = now.0.checked_sub(webhook.retry.horizon_ms).map(Elapsed);
        let undated = [&queue.bodied, &queue.bodiless]
            .into_iter()
            .flat_map(|places| places.iter().take_while(|it| latest.is_some_and(|at| it.0 <= at)))
            .map(|it| it.1)
            .filter(|id| self.deliveries[id].delivery.deadline.is_none());
        let down = self.source(&webhook.source).down.is_some();
        let mut passed: Vec<Place> = dated
            .chain(undated)
            .map(|id| &self.deliveries[&id])
            .filter(|row| !(down && self.needs_query(webhook, row.delivery.id)))
            .filter(|row| {
                rules::deadline(&row.delivery, webhook, health, now).is_some_and(|at| at <= now)
            })
            .filter_map(|row| Some((row.delivery.next_at()?, row.delivery.id)))
            .filter(|place| place.0 <= now)
            .collect();
        passed.sort_unstable();
        passed
    }

    /// When the next delivery of any webhook becomes due, or what holds it back may be over.
    fn next_at(&self, now: Elapsed) -> Option<Elapsed> {
        self.queues
            .iter()
            .filter_map(|(id, queue)| Some((self.active(*id)?, queue)))
            .filter_map(|(webhook, queue)| self.next_of(&webhook, queue, now))
            .min()
    }

    fn next_of(&self, webhook: &Webhook, queue: &Queue, now: Elapsed) -> Option<Elapsed> {
        let health = self.endpoints.get(&webhook.endpoint).cloned().unwrap_or_default();
        let source_at = self.source(&webhook.source).down.map_or(Elapsed(0), |down| down.next_at);
        let breaker_at = health.breaker.as_ref().map_or(Elapsed(0), |breaker| breaker.next_at);
        let next = if breaker_at > now {
            queue.first_at().map(|at| at.max(breaker_at))
        } else {
            // What is due and still here waits for room, which a record makes: no moment to wait
            // for.
            let later = |places: &BTreeSet<Place>| {
                places.range((now.plus_ms(1), FIRST_ID)..).next().map(|place| place.0)
            };
            let waiting = queue.first_at().filter(|_| source_at > now);
            let waiting = waiting.map(|at| at.max(source_at));
            [waiting, later(&queue.bodied), later(&queue.bodiless)].into_iter().flatten().min()
        };
        if health.breaker.is_none() {
            return next;
        }
        let later = Running(webhook.clock.reading(now).0.saturating_add(1));
        let dated = queue.deadlines.range((later, FIRST_ID)..).next();
        let dated = dated.map(|entry| webhook.clock.moment(entry.0, now));
        let undated = queue.bodiless.first().and_then(|place| {
            let delivery = &self.deliveries[&place.1].delivery;
            rules::deadline(delivery, webhook, &health, now).filter(|at| *at > now)
        });
        [next, dated, undated].into_iter().flatten().min()
    }
}

impl Claiming<'_> {
    /// Exhausts what has waited for its source for as long as it may.
    fn give_up_on_sources(&mut self, due: &[Arc<Webhook>]) {
        for webhook in due {
            let source = self.state.source(&webhook.source);
            let until = rules::given_up_until(webhook, &source);
            let (Some(until), Some(queue)) = (until, self.state.queues.get(&webhook.id)) else {
                continue;
            };
            let places = [&queue.bodied, &queue.bodiless];
            let waited = places.map(|places| places.iter().take_while(|place| place.0 <= until));
            let mut waited: Vec<Place> = waited.into_iter().flatten().copied().collect();
            waited.retain(|place| {
                matches!(self.state.deliveries[&place.1].delivery.state, Pending { .. })
                    && self.state.needs_query(webhook, place.1)
            });
            waited.sort_unstable();
            for (_, id) in waited {
                if !self.end(id, rules::source_down()) {
                    return;
                }
            }
        }
    }

    /// Round after round; a webhook that has nothing to give in one is out of the later ones.
    fn serve_in_turn(&mut self, due: &[Arc<Webhook>]) {
        let mut round: Vec<&Arc<Webhook>> = due.iter().collect();
        while !round.is_empty() && self.room.permits > 0 {
            round.retain(|webhook| self.room.permits > 0 && self.serve(webhook, due));
        }
    }

    /// Gives one delivery of the webhook, if it has one to give.
    fn serve(&mut self, webhook: &Arc<Webhook>, due: &[Arc<Webhook>]) -> bool {
        let health = self.state.health(webhook.endpoint).clone();
        let has_room = self.room.fits(webhook.endpoint, &health, self.now.elapsed);
        if health.breaker.is_none() {
            return has_room && self.serve_first(webhook, None);
        }
        (has_room && self.serve_first(webhook, Some(due))) || self.serve_past_deadline(webhook)
    }

    /// Gives the webhook's first delivery; behind an open breaker only if it is the first of the
    /// whole endpoint.
    fn serve_first(&mut self, webhook: &Webhook, rivals: Option<&[Arc<Webhook>]>) -> bool {
        while let Some(place) = self.state.head(webhook, self.now.elapsed) {
            if rivals.is_some_and(|rivals| !self.is_first(place, webhook, rivals)) {
                return false;
            }
            if !self.is_quarantined(place.1) {
                self.give(place.1, webhook, rivals.is_some());
                return true;
            }
            if !self.end(place.1, rules::quarantined()) {
                return false;
            }
        }
        false
    }

    fn is_first(&self, place: Place, webhook: &Webhook, rivals: &[Arc<Webhook>]) -> bool {
        rivals
            .iter()
            .filter(|rival| rival.endpoint == webhook.endpoint && rival.id != webhook.id)
            .filter_map(|rival| self.state.head(rival, self.now.elapsed))
            .all(|other| place < other)
    }

    /// Gives a delivery that is past its deadline, if the pace of the endpoint allows it, and
    /// exhausts the others if not.
    fn serve_past_deadline(&mut self, webhook: &Webhook) -> bool {
        let health = self.state.health(webhook.endpoint).clone();
        for (_, id) in self.state.past_deadline(webhook, &health, self.now.elapsed) {
            if self.is_quarantined(id) {
                self.end(id, rules::quarantined());
            } else if self.state.health(webhook.endpoint).take_deadline_turn(self.now.elapsed) {
                self.give(id, webhook, false);
                return true;
            } else if !self.end(id, rules::endpoint_down()) {
                return false;
            }
        }
        false
    }

    fn is_quarantined(&self, id: DeliveryId) -> bool {
        let Row { delivery, claims, .. } = &self.state.deliveries[&id];
        rules::is_quarantined(delivery, *claims)
    }

    /// Exhausts a delivery, unless this commit has exhausted enough.
    fn end(&mut self, id: DeliveryId, why: Reason) -> bool {
        if self.ends_left == 0 {
            return false;
        }
        self.ends_left -= 1;
        self.state.give_up(id, why, self.now);
        true
    }

    fn give(&mut self, id: DeliveryId, webhook: &Webhook, takes_turn: bool) {
        let asks = self.state.needs_query(webhook, id);
        let claimed = self.state.lease(id, &mut self.room, self.now);
        if takes_turn {
            self.state.health(webhook.endpoint).take_turn(id, self.now.elapsed);
        }
        if asks && let Some(source) = self.state.sources.get_mut(&webhook.source) {
            source.take_turn(self.now.elapsed);
        }
        self.state.served = Some(webhook.id);
        self.claimed.push(claimed);
    }
}
