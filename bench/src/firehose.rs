//! Fires events at a server.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::client::{Client, Failure};

/// Connections that fire at the same time.
const CONNECTIONS: usize = 8;

/// What is fired, and how.
#[derive(Clone)]
pub struct Load {
    /// Where the server is.
    pub server: SocketAddr,
    /// A token with `fire:triggers`.
    pub token: String,
    /// How many events.
    pub events: usize,
    /// Events in one request.
    pub batch: usize,
    /// The entity's id.
    pub id: String,
    /// How many a second; `None`: as fast as they are taken.
    pub per_second: Option<f64>,
    /// How many may be acknowledged and not arrived, as `arrived` says.
    pub outstanding_max: usize,
}

/// When each event's 202 was read, by the event's id.
pub type Acknowledged = HashMap<String, Instant>;

#[derive(Deserialize)]
struct Answer {
    events: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    id: String,
}

struct Shared {
    fired: usize,
    acknowledged: Acknowledged,
}

/// Fires all of it. `arrived` says how many deliveries have come in.
pub async fn fire(
    load: &Load,
    arrived: impl Fn() -> usize + Clone + Send + Sync + 'static,
) -> Result<Acknowledged, Failure> {
    let shared = Arc::new(Mutex::new(Shared { fired: 0, acknowledged: HashMap::new() }));
    let started = Instant::now();
    let before = arrived();
    let mut tasks = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let (load, shared, arrived) = (load.clone(), Arc::clone(&shared), arrived.clone());
        tasks.push(tokio::spawn(async move {
            let mut client = Client::connect(load.server).await?;
            while let Some((first, count)) = take(&shared, &load) {
                wait_for_turn(&load, started, first, || arrived() - before).await;
                let ids = post(&mut client, &load, count).await?;
                let now = Instant::now();
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.acknowledged.extend(ids.into_iter().map(|id| (id, now)));
            }
            Ok::<(), Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut shared.acknowledged))
}

fn take(shared: &Mutex<Shared>, load: &Load) -> Option<(usize, usize)> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let first = shared.fired;
    let count = load.batch.min(load.events - first);
    shared.fired += count;
    (count > 0).then_some((first, count))
}

async fn wait_for_turn(load: &Load, started: Instant, first: usize, arrived: impl Fn() -> usize) {
    if let Some(per_second) = load.per_second {
        let at = started + Duration::from_secs_f64(first as f64 / per_second);
        tokio::time::sleep_until(at.into()).await;
    }
    let patience = Instant::now() + Duration::from_secs(60);
    while first.saturating_sub(arrived()) > load.outstanding_max && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn post(client: &mut Client, load: &Load, count: usize) -> Result<Vec<String>, Failure> {
    let event = json!({ "trigger": "EnergySwitchUpdated", "id": load.id });
    let body = serde_json::to_vec(&vec![event; count])?;
    let authorization = format!("Bearer {}", load.token);
    let headers = [("authorization", authorization.as_str())];
    let (status, answer) = client.post("/v1/events", &headers, Bytes::from(body)).await?;
    if status != http::StatusCode::ACCEPTED {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&answer)).into());
    }
    let answer: Answer = serde_json::from_slice(&answer)?;
    Ok(answer.events.into_iter().map(|event| event.id).collect())
}

/// Fires at a running server and prints how fast it took the events.
pub async fn fire_alone(
    server: SocketAddr,
    token: String,
    events: usize,
    batch: usize,
    id: String,
) -> Result<(), Failure> {
    let batch = batch.clamp(1, 1_000);
    let load =
        Load { server, token, events, batch, id, per_second: None, outstanding_max: usize::MAX };
    let started = Instant::now();
    let acknowledged = fire(&load, || 0).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} events acknowledged in {seconds:.2} s: {:.0} a second",
        acknowledged.len(),
        acknowledged.len() as f64 / seconds
    );
    Ok(())
}
