//! Producers: they fire an event until it is acknowledged, under one idempotency key, at whichever
//! process is there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidings_core::{
    access::Owner,
    catalog::Catalog,
    event::Event,
    ids::{EventId, WebhookId},
    time::{MINUTE_MS, SECOND_MS},
};
use tidings_deliver::Deliver;
use tidings_store::{Append, AppendError, AppendedEvent, Idempotency, Ingest, NewEvent};

use crate::stage::Stage;

/// How long a producer waits for an answer.
const PATIENCE_MS: u64 = 20 * SECOND_MS;

/// The processes that answer at present.
#[derive(Clone, Default)]
pub(crate) struct Doors(Arc<Mutex<Vec<Arc<Deliver>>>>);

impl Doors {
    pub(crate) fn set(&self, doors: Vec<Arc<Deliver>>) {
        *self.lock() = doors;
    }

    fn one(&self, stage: &Stage) -> Arc<Deliver> {
        let doors = self.lock();
        let place = stage.chance.below(doors.len() as u64) as usize;
        Arc::clone(&doors[place])
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Deliver>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was acknowledged, and what is due for it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The webhooks that listened when the event was matched.
    pub(crate) expected: HashMap<EventId, BTreeSet<WebhookId>>,
    pub(crate) acknowledged: BTreeSet<EventId>,
    /// Which event a key was answered with.
    keys: HashMap<String, EventId>,
}

/// Fires until there is an answer.
pub(crate) async fn fire(
    stage: Stage,
    doors: Doors,
    ledger: Arc<Mutex<Ledger>>,
    trigger: &'static str,
    key: String,
) {
    let mut wait_ms = SECOND_MS;
    loop {
        let catalog = stage.catalog().await;
        let event = stage.event(trigger, &key);
        let expected = listeners(&event, &catalog);
        lock(&ledger).expected.insert(event.id, expected);
        let append = append(&stage, event, &catalog, &key);
        let door = doors.one(&stage);
        let answered = tokio::select! {
            biased;
            answered = door.append(stage.now(), append) => answered,
            () = stage.clock.pass(PATIENCE_MS) => continue,
        };
        match answered {
            Ok(answers) => return acknowledged(&stage, &ledger, &key, answers[0]).await,
            Err(AppendError::StaleCatalog) => {}
            Err(AppendError::Store(_)) => {
                stage.clock.pass(wait_ms).await;
                wait_ms = (wait_ms * 2).min(MINUTE_MS);
            }
            Err(other) => {
                let at = stage.clock.elapsed();
                stage.witness.accuse(at, "a good event is taken", other.to_string());
                return;
            }
        }
    }
}

fn append(stage: &Stage, event: Event, catalog: &Catalog, key: &str) -> Append {
    let matches = stage.matches(&event, catalog);
    let idempotency = Idempotency {
        owner: Owner::Operator,
        key: key.parse().expect("the world writes keys"),
        content: [1; 32],
    };
    Append::of(catalog.version(), vec![NewEvent { event, matches, idempotency: Some(idempotency) }])
}

/// Who hears an event, found anew: a webhook that listens to its trigger, or to `AccountAdded`
/// when an account was updated.
fn listeners(event: &Event, catalog: &Catalog) -> BTreeSet<WebhookId> {
    let name = event.trigger.as_str();
    let hears =
        |heard: &str| heard == name || (name == "AccountUpdated" && heard == "AccountAdded");
    let webhooks = catalog.webhooks().filter(|webhook| webhook.source == event.source);
    let hearing = webhooks.filter(|it| it.triggers.iter().any(|trigger| hears(trigger.as_str())));
    hearing.map(|webhook| webhook.id).collect()
}

/// From the answer on, the event and all its deliveries are there.
async fn acknowledged(stage: &Stage, ledger: &Mutex<Ledger>, key: &str, answer: AppendedEvent) {
    let at = stage.clock.elapsed();
    stage.witness.count("acknowledged");
    let (expected, earlier) = {
        let mut ledger = lock(ledger);
        ledger.acknowledged.insert(answer.id);
        let earlier = ledger.keys.insert(key.to_owned(), answer.id);
        (ledger.expected.get(&answer.id).cloned().unwrap_or_default(), earlier)
    };
    if earlier.is_some_and(|earlier| earlier != answer.id) {
        let what = format!("{key}: {} and {earlier:?}", answer.id);
        stage.witness.accuse(at, "one key makes one event", what);
    }
    if answer.deliveries != expected.len() {
        let what = format!("{}: {} and not {}", answer.id, answer.deliveries, expected.len());
        stage.witness.accuse(at, "the answer says how many deliveries were made", what);
    }
    check_deliveries(stage, answer.id, &expected).await;
}

/// An acknowledged event has exactly one delivery for each webhook that hears it.
pub(crate) async fn check_deliveries(
    stage: &Stage,
    event: EventId,
    expected: &BTreeSet<WebhookId>,
) {
    let found = stage.store.deliveries_of(stage.now(), event).await;
    let found = found.expect("the store in memory answers");
    let originals = found.iter().map(|view| view.delivery.id).filter(|id| id.replay() == 0);
    let webhooks: Vec<WebhookId> = originals.map(|id| id.webhook()).collect();
    let expected: Vec<WebhookId> = expected.iter().copied().collect();
    if webhooks != expected {
        let what = format!("{event}: {webhooks:?} and not {expected:?}");
        let at = stage.clock.elapsed();
        stage.witness.accuse(at, "an acknowledged event has all its deliveries", what);
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
