//! A stage that is played on by hand.

use std::sync::Arc;

use tidings_core::{
    delivery::State,
    ids::{EventId, WebhookId},
    time::Elapsed,
    webhook::Webhook,
};
use tidings_sim::{
    endpoints::Seen,
    executor::{VirtualClock, run},
    process::Process,
    stage::Stage,
};
use tidings_store::MemoryStore;

/// A stage with one process and one webhook, `a.example.com`.
pub struct Play {
    pub stage: Stage,
    pub process: Process,
    pub webhook: WebhookId,
}

impl Play {
    /// Lets a day or a week pass.
    pub async fn pass(&self, ms: u64) {
        self.stage.clock.pass(ms).await;
    }

    /// Fires for the webhook.
    pub async fn fire(&self) -> EventId {
        self.stage.fire(&self.process, "ThingAdded", "thing-1").await
    }

    /// How the delivery of an event is.
    pub async fn state(&self, event: EventId) -> State {
        self.stage.delivery(event, self.webhook).await.delivery.state
    }

    /// The reason and state of a delivery, in short.
    pub async fn short(&self, event: EventId) -> String {
        let state = self.state(event).await;
        let name = format!("{state:?}");
        let name = name.split([' ', '{']).next().unwrap().to_owned();
        match state.reason() {
            Some(why) if state.is_final() => format!("{name} {}", why.code.as_str()),
            _ => name,
        }
    }

    /// When requests arrived at the webhook.
    pub fn times(&self) -> Vec<Elapsed> {
        self.seen().iter().map(|seen| seen.at).collect()
    }

    /// The requests that arrived at the webhook.
    pub fn seen(&self) -> Vec<Seen> {
        self.stage.endpoints.seen_by("a.example.com")
    }

    /// Starts another process.
    pub fn another(&self) -> Process {
        Process::start(&self.stage, 64, None)
    }
}

/// Plays a scene. The webhook is changed before it is added; no rule may be broken, nothing may
/// panic. Few attempts are made at a time: each look of the loop costs as much as it has permits,
/// and days have many looks.
pub fn play<W, S>(change: impl FnOnce(&mut Webhook), scene: S)
where
    S: FnOnce(Play) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    play_with(8, change, scene);
}

/// Plays a scene with so many attempts at a time.
pub fn play_with<W, S>(attempts_max: usize, change: impl FnOnce(&mut Webhook), scene: S)
where
    S: FnOnce(Play) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let clock = VirtualClock::new(7);
    let stage = Stage::new(&clock, 7, Arc::new(MemoryStore::new()));
    let watched = stage.clone();
    let mut webhook = stage.webhook(tidings_core::ids::ApplicationId(1), "a.example.com");
    change(&mut webhook);
    let ((), panics) = run(&clock, async move {
        webhook.application = stage.add_application("acme").await;
        let process = Process::start(&stage, attempts_max, None);
        // The first look at the store is over, so that newborn deliveries find room.
        stage.clock.pass(100).await;
        let webhook = stage.add_webhook(webhook).await;
        scene(Play { stage, process, webhook }).await;
    });
    assert_eq!(watched.witness.violations(), []);
    assert_eq!(panics, 0);
}
