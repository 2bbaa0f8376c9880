//! One process of the installation: the real engine, with the world around it in the place of
//! time, chance, database, source and network.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use tidings_core::{
    ids::{ApplicationId, DeliveryId, EntityId},
    source::SourceInfo,
    time::{Elapsed, Now, SECOND_MS},
    trigger::TriggerName,
    webhook::PayloadMode,
};
use tidings_deliver::{Deliver, Options, Parts, Post, Posted, Sender};
use tidings_query::{
    SourceSchema,
    source::{Call, Executed, Source},
};
use tidings_store::{Clock, Ingest};
use tidings_verify::{Key, StandardHeaders, verify_sha1, verify_standard};

use crate::{
    executor::VirtualClock,
    faults::Life,
    sabotage::Sabotage,
    stage::{KEY, Stage},
    through::ProcessStore,
};

static UNUSED: AtomicUsize = AtomicUsize::new(1);

/// A running process.
pub struct Process {
    /// Which one; never used twice.
    pub number: usize,
    /// Its engine.
    pub deliver: Arc<Deliver>,
    life: Arc<Life>,
    sabotage: Option<Sabotage>,
}

impl Process {
    /// Starts a process that makes so many attempts at a time.
    #[must_use]
    pub fn start(stage: &Stage, attempts_max: usize, sabotage: Option<Sabotage>) -> Process {
        let number = UNUSED.fetch_add(1, Ordering::Relaxed);
        let life = Life::new(&stage.clock);
        let store = ProcessStore {
            number,
            inner: Arc::clone(&stage.store),
            clock: Arc::clone(&stage.clock),
            chance: Arc::clone(&stage.chance),
            life: Arc::clone(&life),
            faults: Arc::clone(&stage.faults),
            witness: Arc::clone(&stage.witness),
            sabotage,
        };
        let source = ProcessSource { inner: Arc::clone(&stage.source), life: Arc::clone(&life) };
        let sender =
            ProcessSender { number, stage: stage.clone(), life: Arc::clone(&life), sabotage };
        let clock =
            ProcessClock { inner: Arc::clone(&stage.clock), life: Arc::clone(&life), sabotage };
        let deliver = Deliver::start(Parts {
            store: Arc::new(store),
            sources: vec![Arc::new(source)],
            sender: Arc::new(sender),
            clock: Arc::new(clock),
            chance: Arc::clone(&stage.chance) as Arc<dyn tidings_store::Chance>,
            vault: stage.vault.clone(),
            options: Options {
                attempts_max,
                ..Options::standard("tidings@simulation/0".to_owned())
            },
        });
        Process { number, deliver, life, sabotage }
    }

    /// Hints that something may be due.
    pub fn wake(&self) {
        if self.sabotage != Some(Sabotage::LoseWakeUps) {
            self.deliver.wake();
        }
    }

    /// Ends it in the middle of whatever it does.
    pub fn crash(self) {
        self.life.end();
    }

    /// Ends it as SIGTERM does.
    pub async fn drain(self, until: Elapsed) {
        self.life.during(self.deliver.drain(until)).await;
        self.life.end();
    }

    /// Stops it for so long, as SIGSTOP does.
    pub fn stand_still(&self, ms: u64) {
        self.life.stand_still(ms);
    }
}

#[derive(Debug)]
struct ProcessClock {
    inner: Arc<VirtualClock>,
    life: Arc<Life>,
    sabotage: Option<Sabotage>,
}

#[async_trait]
impl Clock for ProcessClock {
    fn now(&self) -> Now {
        self.inner.now()
    }

    async fn sleep_until(&self, until: Elapsed) {
        let wait_ms = until.since_ms(self.inner.elapsed());
        if self.sabotage == Some(Sabotage::LoseWakeUps) && wait_ms == SECOND_MS {
            std::future::pending::<()>().await;
        }
        self.life.during(self.inner.sleep_until(until)).await;
    }
}

struct ProcessSource {
    inner: Arc<crate::source::SimSource>,
    life: Arc<Life>,
}

#[async_trait]
impl Source for ProcessSource {
    fn info(&self) -> &SourceInfo {
        self.inner.info()
    }

    fn schema(&self) -> SourceSchema {
        self.inner.schema()
    }

    async fn execute(&self, call: &Call) -> Executed {
        self.life.during(self.inner.execute(call)).await
    }

    async fn owners(
        &self,
        trigger: &TriggerName,
        entity: &EntityId,
    ) -> Result<Vec<ApplicationId>, String> {
        self.life.during(self.inner.owners(trigger, entity)).await
    }
}

struct ProcessSender {
    number: usize,
    stage: Stage,
    life: Arc<Life>,
    sabotage: Option<Sabotage>,
}

#[async_trait]
impl Sender for ProcessSender {
    async fn post(&self, post: &Post) -> Posted {
        let post = self.spoilt(post);
        self.life.during(self.send(&post)).await
    }
}

impl ProcessSender {
    async fn send(&self, post: &Post) -> Posted {
        let now = self.stage.clock.now();
        let Some(id) = id_of(post) else {
            let what = format!("a request to {} without one", post.url);
            self.stage.witness.accuse(now.elapsed, "every request bears its delivery's id", what);
            return self
                .stage
                .endpoints
                .take(self.number, DeliveryId::from_bytes([0; 32]), post)
                .await;
        };
        let holds = self.stage.witness.sends(self.number, id, now, self.life.stood_still());
        self.check(post, id, now, holds).await;
        self.stage.witness.count("posts");
        self.stage.endpoints.take(self.number, id, post).await
    }

    /// The bytes are the durable ones, and the signatures are right.
    async fn check(&self, post: &Post, id: DeliveryId, now: Now, holds: bool) {
        let Stage { store, witness, .. } = &self.stage;
        let stored = store.payload(id).await.expect("the store in memory answers");
        let webhook = store.webhook(id.webhook()).await.expect("the store in memory answers");
        let Some(webhook) = webhook else {
            witness.accuse(now.elapsed, "every request has its webhook", id.to_string());
            return;
        };
        let is_sure = holds || webhook.payload == PayloadMode::Frozen;
        if is_sure && !witness.unwanted(id) && stored.as_ref() != Some(&post.body) {
            let what =
                format!("{id}: {} bytes, stored {:?}", post.body.len(), stored.map(|it| it.len()));
            witness.accuse(now.elapsed, "what is sent is what is durable", what);
        }
        let refused = if webhook.keys.is_empty() { unsigned(post) } else { signed(post, now) };
        if let Err(why) = refused {
            witness.accuse(now.elapsed, "every request is signed rightly", format!("{id}: {why}"));
        }
    }

    fn spoilt(&self, post: &Post) -> Post {
        let mut spoilt = post.clone();
        let id = id_of(post);
        let is_retry = || id.is_some_and(|id| self.stage.endpoints.has_seen(id));
        let appended = || Bytes::from([&post.body[..], b" "].concat());
        match self.sabotage {
            Some(Sabotage::ChangeBytesOnRetry) if is_retry() => spoilt.body = appended(),
            Some(Sabotage::SignOtherBytes) if is_retry() => {
                let other = tidings_verify::sign_sha1(KEY.as_bytes(), &appended());
                for header in spoilt.headers.iter_mut().filter(|it| it.0 == "x-signature") {
                    header.1.clone_from(&other);
                }
            }
            _ => {}
        }
        spoilt
    }
}

fn header<'a>(post: &'a Post, name: &str) -> Option<&'a str> {
    post.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
}

fn id_of(post: &Post) -> Option<DeliveryId> {
    header(post, "webhook-id")?.parse().ok()
}

fn signed(post: &Post, now: Now) -> Result<(), String> {
    let keys = [Key::parse(KEY).map_err(|error| error.to_string())?];
    let sha1 = header(post, "x-signature").ok_or("no x-signature")?;
    verify_sha1(&keys, sha1, &post.body).map_err(|error| error.to_string())?;
    let headers =
        StandardHeaders::read(|name| header(post, name)).map_err(|error| error.to_string())?;
    let seconds = now.wall.unix_seconds();
    verify_standard(&keys, &headers, &post.body, seconds).map_err(|error| error.to_string())
}

fn unsigned(post: &Post) -> Result<(), String> {
    match header(post, "x-signature").or(header(post, "webhook-signature")) {
        Some(_) => Err("a signature without a key".to_owned()),
        None => Ok(()),
    }
}
