//! What was acknowledged and what arrived, kept outside the product.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use tidings_core::ids::{DeliveryId, EventId};

/// A kill explains that a delivery comes twice when it fell so soon after the first answer: the
/// result was not on disk yet.
const EXPLAINED_WITHIN: Duration = Duration::from_millis(750);

/// The book that the product must agree with.
#[derive(Default)]
pub struct Ledger {
    acknowledged: HashSet<EventId>,
    arrivals: HashMap<DeliveryId, Arrivals>,
    /// How many different deliveries of an event were taken.
    taken: HashMap<EventId, usize>,
    /// Taken deliveries of acknowledged events: kept, since it is asked for again and again.
    settled: usize,
    kills: Vec<Instant>,
    corrupt: usize,
}

struct Arrivals {
    body: [u8; 32],
    taken_at: Option<Instant>,
    unexplained: usize,
    explained: usize,
}

/// What the comparison came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Events that were acknowledged.
    pub acknowledged: usize,
    /// Deliveries that a receiver took.
    pub delivered: usize,
    /// Acknowledged deliveries that no receiver took.
    pub lost: usize,
    /// Deliveries of events that nobody fired.
    pub unexpected: usize,
    /// Requests with other bytes than before, or a wrong signature.
    pub corrupt: usize,
    /// Deliveries that came again after they were taken, because of a kill.
    pub explained: usize,
    /// Deliveries that came again after they were taken, for no reason.
    pub unexplained: usize,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.lost + self.unexpected + self.corrupt + self.unexplained == 0
    }
}

impl Ledger {
    /// An event was acknowledged.
    pub fn acknowledge(&mut self, event: EventId) {
        if self.acknowledged.insert(event) {
            self.settled += self.taken.get(&event).copied().unwrap_or(0);
        }
    }

    /// The server was killed.
    pub fn kill(&mut self, at: Instant) {
        self.kills.push(at);
    }

    /// A request came at `begun`, whose signatures are right or not; it is answered with 200 or
    /// not.
    pub fn arrive(
        &mut self,
        id: DeliveryId,
        begun: Instant,
        body: [u8; 32],
        verified: bool,
        taken: bool,
    ) {
        let kills = &self.kills;
        let seen = self.arrivals.entry(id).or_insert(Arrivals {
            body,
            taken_at: None,
            unexplained: 0,
            explained: 0,
        });
        if !verified || seen.body != body {
            self.corrupt += 1;
        }
        if let Some(taken_at) = seen.taken_at {
            let explains =
                |kill: &Instant| *kill >= taken_at && *kill - taken_at < EXPLAINED_WITHIN;
            if kills.iter().rev().take_while(|kill| **kill >= taken_at).any(explains) {
                seen.explained += 1;
            } else {
                seen.unexplained += 1;
            }
        }
        let is_first = taken && seen.taken_at.is_none();
        if taken {
            seen.taken_at = Some(begun);
        }
        if is_first {
            *self.taken.entry(id.event()).or_insert(0) += 1;
            self.settled += usize::from(self.acknowledged.contains(&id.event()));
        }
    }

    /// Whether nothing has come yet of a delivery.
    pub fn is_new(&self, id: DeliveryId) -> bool {
        !self.arrivals.contains_key(&id)
    }

    /// A request came that is no delivery at all.
    pub fn arrive_nonsense(&mut self) {
        self.corrupt += 1;
    }

    /// Deliveries that are still owed, when each event makes so many.
    pub fn owed(&self, per_event: usize) -> usize {
        (self.acknowledged.len() * per_event).saturating_sub(self.settled)
    }

    /// The comparison, when each event makes so many deliveries.
    pub fn verdict(&self, per_event: usize) -> Verdict {
        let unexpected = |id: &&DeliveryId| !self.acknowledged.contains(&id.event());
        Verdict {
            acknowledged: self.acknowledged.len(),
            delivered: self.arrivals.values().filter(|seen| seen.taken_at.is_some()).count(),
            lost: self.owed(per_event),
            unexpected: self.arrivals.keys().filter(unexpected).count(),
            corrupt: self.corrupt,
            explained: self.arrivals.values().map(|seen| seen.explained).sum(),
            unexplained: self.arrivals.values().map(|seen| seen.unexplained).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::ids::WebhookId;

    use super::*;

    fn id(event: u8) -> DeliveryId {
        DeliveryId::new(EventId::from_bytes([event; 16]), WebhookId(1), 0)
    }

    #[test]
    fn a_ledger_notices_what_is_lost_unexpected_corrupt_and_twice() {
        let mut ledger = Ledger::default();
        for event in 1..=3 {
            ledger.acknowledge(EventId::from_bytes([event; 16]));
        }
        ledger.arrive(id(1), Instant::now(), [0; 32], true, true);
        ledger.arrive(id(1), Instant::now(), [0; 32], true, true);
        ledger.arrive(id(2), Instant::now(), [0; 32], true, false);
        ledger.arrive(id(2), Instant::now(), [1; 32], true, true);
        ledger.arrive(id(9), Instant::now(), [0; 32], false, true);
        let verdict = ledger.verdict(1);
        assert_eq!((verdict.lost, verdict.unexpected, verdict.corrupt), (1, 1, 2));
        assert_eq!((verdict.explained, verdict.unexplained), (0, 1));
        assert!(!verdict.is_clean());
    }

    #[test]
    fn a_kill_between_two_arrivals_explains_the_second() {
        let mut ledger = Ledger::default();
        ledger.acknowledge(EventId::from_bytes([1; 16]));
        ledger.arrive(id(1), Instant::now(), [0; 32], true, true);
        ledger.kill(Instant::now());
        ledger.arrive(id(1), Instant::now(), [0; 32], true, true);
        let verdict = ledger.verdict(1);
        assert_eq!((verdict.explained, verdict.unexplained, verdict.is_clean()), (1, 0, true));
    }
}
