//! Receivers that behave as they are told, and remember what they saw.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tidings_core::{
    ids::DeliveryId,
    outcome::Failure,
    time::{Elapsed, Wall},
};
use tidings_deliver::{Post, Posted};
use tidings_store::Clock;

use crate::executor::{SeededChance, VirtualClock};

/// What a receiver does with a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Behaviour {
    /// It answers.
    Answers {
        /// The status.
        status: u16,
        /// The value of `Retry-After`.
        retry_after: Option<String>,
        /// How long it takes.
        after_ms: u64,
    },
    /// It answers 500 so many times in a hundred, and 200 otherwise.
    Flaky {
        /// How often.
        percent: u64,
        /// How long it takes.
        after_ms: u64,
    },
    /// It takes the request and never answers.
    Hangs,
    /// Nobody listens: no request arrives.
    Refuses,
    /// It takes the request and breaks the connection.
    Breaks,
    /// This machine has no socket left: no request leaves.
    NoSocket,
    /// The sender itself panics.
    Panics,
}

impl Behaviour {
    /// It answers 200 after 20 ms.
    #[must_use]
    pub fn fine() -> Behaviour {
        Behaviour::status(200)
    }

    /// It answers so after 20 ms.
    #[must_use]
    pub fn status(status: u16) -> Behaviour {
        Behaviour::Answers { status, retry_after: None, after_ms: 20 }
    }

    /// It answers so after 20 ms, and asks to be left alone.
    #[must_use]
    pub fn asks_to_wait(status: u16, retry_after: &str) -> Behaviour {
        Behaviour::Answers { status, retry_after: Some(retry_after.to_owned()), after_ms: 20 }
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which process sent it.
    pub process: usize,
    /// Its `webhook-id`.
    pub delivery: DeliveryId,
    /// Which endpoint saw it.
    pub host: String,
    /// When it began.
    pub at: Elapsed,
    /// The same, as people see it.
    pub wall: Wall,
    /// What was answered in time.
    pub status: Option<u16>,
    /// What it brought.
    pub body: Bytes,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

impl Seen {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }
}

/// All receivers.
#[derive(Debug)]
pub struct Endpoints {
    clock: Arc<VirtualClock>,
    chance: Arc<SeededChance>,
    behaviours: Mutex<HashMap<String, Behaviour>>,
    seen: Mutex<Vec<Seen>>,
}

impl Endpoints {
    /// Receivers that all answer 200.
    #[must_use]
    pub fn new(clock: &Arc<VirtualClock>, chance: &Arc<SeededChance>) -> Arc<Endpoints> {
        Arc::new(Endpoints {
            clock: Arc::clone(clock),
            chance: Arc::clone(chance),
            behaviours: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// Tells a receiver how to behave from now on.
    pub fn set(&self, host: &str, behaviour: Behaviour) {
        lock(&self.behaviours).insert(host.to_owned(), behaviour);
    }

    /// All receivers answer 200 from now on.
    pub fn mend(&self) {
        lock(&self.behaviours).clear();
    }

    /// What arrived, in its order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// What arrived after the first so many.
    #[must_use]
    pub fn seen_after(&self, count: usize) -> Vec<Seen> {
        lock(&self.seen)[count..].to_vec()
    }

    /// Whether a request of this delivery has arrived.
    #[must_use]
    pub fn has_seen(&self, delivery: DeliveryId) -> bool {
        lock(&self.seen).iter().any(|seen| seen.delivery == delivery)
    }

    /// What arrived at one receiver.
    #[must_use]
    pub fn seen_by(&self, host: &str) -> Vec<Seen> {
        lock(&self.seen).iter().filter(|seen| seen.host == host).cloned().collect()
    }

    /// A request comes, with the time that its sender gives it.
    pub async fn take(&self, process: usize, delivery: DeliveryId, post: &Post) -> Posted {
        let host = host_of(&post.url);
        let behaviour = lock(&self.behaviours).get(host).cloned();
        match behaviour.unwrap_or_else(Behaviour::fine) {
            Behaviour::Refuses => Posted::Failed {
                why: Failure::Connect,
                text: "no connection to the receiver".to_owned(),
            },
            Behaviour::NoSocket => Posted::NotSent { text: "no socket is left".to_owned() },
            Behaviour::Panics => panic!("the sender panics on purpose"),
            Behaviour::Hangs => {
                self.arrived(process, delivery, post);
                self.clock.pass(u64::from(post.timeout_ms)).await;
                timed_out()
            }
            Behaviour::Breaks => {
                self.arrived(process, delivery, post);
                self.clock.pass(5).await;
                let text = "the receiver broke the connection".to_owned();
                Posted::Failed { why: Failure::Broken, text }
            }
            Behaviour::Flaky { percent, after_ms } => {
                let status = if self.chance.happens(percent) { 500 } else { 200 };
                self.answer(process, delivery, post, (status, None, after_ms)).await
            }
            Behaviour::Answers { status, retry_after, after_ms } => {
                self.answer(process, delivery, post, (status, retry_after, after_ms)).await
            }
        }
    }

    async fn answer(
        &self,
        process: usize,
        delivery: DeliveryId,
        post: &Post,
        (status, retry_after, after_ms): (u16, Option<String>, u64),
    ) -> Posted {
        let place = self.arrived(process, delivery, post);
        let timeout_ms = u64::from(post.timeout_ms);
        self.clock.pass(after_ms.min(timeout_ms)).await;
        if after_ms >= timeout_ms {
            return timed_out();
        }
        lock(&self.seen)[place].status = Some(status);
        let headers = retry_after.map(|value| ("retry-after".to_owned(), value));
        Posted::Answered {
            status,
            headers: headers.into_iter().collect(),
            body: Bytes::from_static(b"seen"),
            body_truncated: false,
        }
    }

    fn arrived(&self, process: usize, delivery: DeliveryId, post: &Post) -> usize {
        let now = self.clock.now();
        let mut seen = lock(&self.seen);
        seen.push(Seen {
            process,
            delivery,
            host: host_of(&post.url).to_owned(),
            at: now.elapsed,
            wall: now.wall,
            status: None,
            body: post.body.clone(),
            headers: post.headers.clone(),
        });
        seen.len() - 1
    }
}

fn timed_out() -> Posted {
    let text = "the receiver did not answer in time".to_owned();
    Posted::Failed { why: Failure::Timeout, text }
}

/// The host of a URL as the world writes them: `https://HOST/…`.
fn host_of(url: &str) -> &str {
    url.split('/').nth(2).unwrap_or(url)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
