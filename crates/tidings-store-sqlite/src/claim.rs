//! Work is given out: one delivery of each webhook in turn, round after round.
//!
//!   webhooks with due work ─► closed breaker, room ─► its first
//!                         └─► open breaker ─► its turn, and first of its endpoint ─► its first
//!                                         └─► past its deadline: one a second goes, the rest end
//!
//! Which webhooks have due work is known without reading; of those that may go, only as many rows
//! are read as are given out, along the index of open deliveries. What is blocked costs a look into
//! memory, however many deliveries wait behind it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tidings_core::{
    delivery::Reason,
    ids::{DeliveryId, WebhookId},
    time::{Elapsed, Now, SECOND_MS},
    webhook::{Status, Webhook},
};
use tidings_store::{Claim, Claimed, ClaimedBatch, NoticeKind, Room, rules};

use crate::{
    delivery::Stored,
    error::Trouble,
    ingest,
    line::{self, Line, Place},
    row::{self, int},
    state::Tx,
};

/// Webhooks whose next moment is looked up for a hint.
const LOOKED_UP_MAX: usize = 256;
/// With more of them: when to look again. Never at once, which would be a loop that does nothing
/// else.
const UNKNOWN_MS: u64 = SECOND_MS;

/// See [`tidings_store::Store::claim_due`].
pub(crate) fn claim_due(tx: &mut Tx<'_>, now: Now, claim: &Claim) -> Result<ClaimedBatch, Trouble> {
    let due = due_webhooks(tx, now.elapsed);
    let mut claiming = Claiming {
        tx,
        now,
        room: claim.room.clone(),
        claimed: Vec::new(),
        ends_left: rules::ENDED_PER_COMMIT_MAX,
        lines: HashMap::new(),
        touched: BTreeSet::new(),
    };
    claiming.give_up_on_sources(&due)?;
    claiming.serve_in_turn(&due)?;
    claiming.settle()?;
    let next_at = match claiming.ends_left {
        0 => Some(now.elapsed),
        _ => next_at(claiming.tx, now.elapsed)?,
    };
    Ok(ClaimedBatch { claimed: claiming.claimed, next_at })
}

/// Active webhooks that may have due work, beginning after the one that was served last.
fn due_webhooks(tx: &Tx<'_>, now: Elapsed) -> Vec<Arc<Webhook>> {
    let due = tx.state.due.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id);
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for webhook in due.filter_map(|id| active(tx, id)) {
        let is_after = tx.state.last_served.is_none_or(|served| webhook.id > served);
        if is_after { first.push(webhook) } else { later.push(webhook) }
    }
    first.append(&mut later);
    first
}

fn active(tx: &Tx<'_>, id: WebhookId) -> Option<Arc<Webhook>> {
    tx.state.webhooks.get(&id).filter(|webhook| webhook.status == Status::Active).map(Arc::clone)
}

/// One call of `claim_due`.
struct Claiming<'t, 'c> {
    tx: &'t mut Tx<'c>,
    now: Now,
    room: Room,
    claimed: Vec<Claimed>,
    /// Deliveries that may still be exhausted in this commit.
    ends_left: usize,
    /// What was read ahead, by webhook.
    lines: HashMap<WebhookId, Line>,
    /// Webhooks whose queue was looked into.
    touched: BTreeSet<WebhookId>,
}

impl Claiming<'_, '_> {
    /// Exhausts what has waited for its source for as long as it may.
    fn give_up_on_sources(&mut self, due: &[Arc<Webhook>]) -> Result<(), Trouble> {
        for webhook in due {
            let source = self.tx.state.source(&webhook.source);
            let Some(until) = rules::given_up_until(webhook, &source) else { continue };
            if self.tx.state.due.get(&webhook.id).is_none_or(|first| *first > until) {
                continue;
            }
            self.touched.insert(webhook.id);
            for stored in line::waited(self.tx, webhook, until, self.ends_left)? {
                self.end(stored, rules::source_down())?;
            }
        }
        Ok(())
    }

    /// Round after round; a webhook that has nothing to give in one is out of the later ones.
    fn serve_in_turn(&mut self, due: &[Arc<Webhook>]) -> Result<(), Trouble> {
        let mut round: Vec<&Arc<Webhook>> = due.iter().collect();
        while !round.is_empty() && self.room.permits > 0 {
            let mut next_round = Vec::with_capacity(round.len());
            for webhook in round {
                if self.room.permits == 0 {
                    break;
                }
                if self.serve(webhook)? {
                    next_round.push(webhook);
                }
            }
            round = next_round;
        }
        Ok(())
    }

    /// Gives one delivery of the webhook, if it has one to give.
    fn serve(&mut self, webhook: &Arc<Webhook>) -> Result<bool, Trouble> {
        let health = self.tx.state.endpoint(webhook.endpoint);
        let has_room = self.room.fits(webhook.endpoint, &health, self.now.elapsed);
        if health.breaker.is_none() {
            return Ok(has_room && self.serve_first(webhook, false)?);
        }
        Ok((has_room && self.serve_first(webhook, true)?) || self.serve_past_deadline(webhook)?)
    }

    /// Gives the webhook's first delivery; with rivals only if it is the first of the whole
    /// endpoint.
    fn serve_first(&mut self, webhook: &Arc<Webhook>, rivals: bool) -> Result<bool, Trouble> {
        while let Some(place) = self.head(webhook)? {
            if rivals && !self.is_first(place, webhook)? {
                return Ok(false);
            }
            let Some(stored) = self.lines.get_mut(&webhook.id).and_then(Line::pop) else {
                return Ok(false);
            };
            if !rules::is_quarantined(&stored.delivery, stored.claims_count) {
                self.give(stored, webhook, rivals)?;
                return Ok(true);
            }
            if !self.end(stored, rules::quarantined())? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// The first delivery of a webhook that is due and whose source lets it go.
    fn head(&mut self, webhook: &Webhook) -> Result<Option<Place>, Trouble> {
        let answers = self.tx.state.source(&webhook.source).allows(self.now.elapsed);
        self.touched.insert(webhook.id);
        let line = self.lines.entry(webhook.id).or_insert_with(|| Line::new(answers));
        if line.everything != answers {
            *line = Line::new(answers);
        }
        line.head(self.tx, webhook, self.now.elapsed)
    }

    fn is_first(&mut self, place: Place, webhook: &Webhook) -> Result<bool, Trouble> {
        for rival in self.tx.state.webhooks_of(webhook.endpoint) {
            if rival.id == webhook.id || rival.status != Status::Active {
                continue;
            }
            if self.head(&rival)?.is_some_and(|other| other < place) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives a delivery that is past its deadline, if the pace of the endpoint allows it, and
    /// exhausts the others if not.
    fn serve_past_deadline(&mut self, webhook: &Arc<Webhook>) -> Result<bool, Trouble> {
        let passed = line::past_deadline(self.tx, webhook, self.now.elapsed)?;
        if !passed.is_empty() {
            // What was read ahead may be among them.
            self.lines.remove(&webhook.id);
            self.touched.insert(webhook.id);
        }
        for stored in passed {
            if rules::is_quarantined(&stored.delivery, stored.claims_count) {
                self.end(stored, rules::quarantined())?;
                continue;
            }
            let mut health = self.tx.state.endpoint(webhook.endpoint);
            if health.take_deadline_turn(self.now.elapsed) {
                self.tx.state.keep_endpoint(webhook.endpoint, health);
                self.give(stored, webhook, false)?;
                return Ok(true);
            }
            if !self.end(stored, rules::endpoint_down())? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Exhausts a delivery and tells its owner, unless this commit has exhausted enough.
    fn end(&mut self, mut stored: Stored, why: Reason) -> Result<bool, Trouble> {
        if self.ends_left == 0 {
            return Ok(false);
        }
        self.ends_left -= 1;
        let about = (stored.delivery.application, stored.delivery.id.webhook());
        stored.delivery.give_up(why.clone(), self.now);
        self.tx.update(&stored)?;
        self.tx.notify(about, NoticeKind::DeliveryExhausted, &why.detail, self.now)?;
        Ok(true)
    }

    fn give(
        &mut self,
        mut stored: Stored,
        webhook: &Arc<Webhook>,
        takes_turn: bool,
    ) -> Result<(), Trouble> {
        let asks = rules::needs_query(webhook, &stored.delivery, stored.payload.is_some());
        let id = stored.delivery.id;
        let event = self.event(id)?;
        let (tx, now) = (&mut *self.tx, self.now);
        let claimed = ingest::lease(tx, &mut stored, &event, webhook, &mut self.room, now)?;
        tx.update(&stored)?;
        if takes_turn {
            let mut health = tx.state.endpoint(webhook.endpoint);
            health.take_turn(id, now.elapsed);
            tx.state.keep_endpoint(webhook.endpoint, health);
        }
        if asks {
            let mut health = tx.state.source(&webhook.source);
            health.take_turn(now.elapsed);
            tx.state.keep_source(tx.connection, &webhook.source, health)?;
        }
        tx.state.last_served = Some(webhook.id);
        self.claimed.push(claimed);
        Ok(())
    }

    /// Deliveries of one event are given out side by side more often than not.
    fn event(&self, id: DeliveryId) -> Result<Arc<tidings_core::event::Event>, Trouble> {
        match self.claimed.last().filter(|last| last.event.id == id.event()) {
            Some(last) => Ok(Arc::clone(&last.event)),
            None => self.tx.event_of(id),
        }
    }

    /// Keeps where the queues begin that were looked into.
    fn settle(&mut self) -> Result<(), Trouble> {
        for id in std::mem::take(&mut self.touched) {
            self.tx.settle(id)?;
        }
        Ok(())
    }
}

/// When the next delivery of any webhook becomes due, or what holds it back may be over. Early
/// rather than late.
fn next_at(tx: &mut Tx<'_>, now: Elapsed) -> Result<Option<Elapsed>, Trouble> {
    let unsure: Vec<WebhookId> = tx.state.due_unsure.iter().take(LOOKED_UP_MAX).copied().collect();
    for id in unsure {
        tx.settle(id)?;
    }
    let mut looked_up = 0;
    let mut first: Option<Elapsed> = None;
    for (id, due) in &tx.state.due {
        let Some(webhook) = active(tx, *id) else { continue };
        let next = next_of(tx, &webhook, *due, now, &mut looked_up)?;
        first = [first, next].into_iter().flatten().min();
    }
    Ok(first)
}

fn next_of(
    tx: &Tx<'_>,
    webhook: &Webhook,
    due: Elapsed,
    now: Elapsed,
    looked_up: &mut usize,
) -> Result<Option<Elapsed>, Trouble> {
    let health = tx.state.endpoint(webhook.endpoint);
    let source_at = tx.state.source(&webhook.source).down.map_or(Elapsed(0), |down| down.next_at);
    let breaker_at = health.breaker.as_ref().map_or(Elapsed(0), |breaker| breaker.next_at);
    let next = if breaker_at > now {
        Some(due.max(breaker_at))
    } else if source_at > now {
        *looked_up += 1;
        let frozen = match *looked_up > LOOKED_UP_MAX {
            true => Some(now.plus_ms(UNKNOWN_MS)),
            false => frozen_after(tx, webhook.id, now)?,
        };
        [Some(due.max(source_at)), frozen].into_iter().flatten().min()
    } else {
        // What is due and still here waits for room, which a record makes: no moment to wait for.
        // Whatever becomes due behind it has its turn after it.
        Some(due).filter(|at| *at > now)
    };
    if health.breaker.is_none() {
        return Ok(next);
    }
    let dated = tx.state.deadlines_from(webhook.id).map(|it| webhook.clock.moment(it, now));
    let undated = health.held_since(due).map(|since| {
        let since = since.max(webhook.clock.went_on_at.unwrap_or_default());
        since.plus_ms(webhook.retry.horizon_ms)
    });
    let deadlines = [dated, undated].into_iter().flatten().filter(|at| *at > now);
    Ok(deadlines.chain(next).min())
}

/// The first moment after `now` at which a delivery of the webhook may be taken that has a body.
fn frozen_after(tx: &Tx<'_>, id: WebhookId, now: Elapsed) -> Result<Option<Elapsed>, Trouble> {
    let mut statement = tx.connection.prepare_cached(
        "SELECT next_at FROM delivery INDEXED BY delivery_frozen
         WHERE state = 0 AND payload IS NOT NULL AND webhook = ?1 AND next_at > ?2
         ORDER BY next_at LIMIT 1",
    )?;
    let mut rows = statement.query([int(id.0), int(now.0)])?;
    rows.next()?.map(|found| row::number(found, 0, "delivery").map(Elapsed)).transpose()
}
