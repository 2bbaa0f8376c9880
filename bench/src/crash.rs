//! `kill -9` under load, again and again, with a ledger beside it.
//!
//! Events are fired with idempotency keys. A request whose answer was cut off by a kill is neither
//! done nor failed: it is sent again after the restart under the same keys, until it is
//! acknowledged.

use std::{
    convert::Infallible,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tidings_core::ids::EventId;
use tidings_verify::{Key, StandardHeaders, verify_sha1, verify_standard};
use tokio::net::TcpListener;

use crate::{
    client::{Client, Failure},
    ledger::{Ledger, Verdict},
    product::{self, Product},
};

/// What the receivers are like: one is well, one refuses every fourth delivery at first, one is
/// slow.
const RECEIVERS: [&str; 3] = ["well", "flaky", "slow"];
/// Producers that fire at the same time.
const PRODUCERS: usize = 4;
/// The longest that everything may take to arrive after the last restart.
const PATIENCE: Duration = Duration::from_secs(120);
/// With more deliveries on their way the producers wait.
const OWED_MAX: usize = 5_000;
/// Fewer acknowledged events a cycle than this prove nothing.
const EVENTS_PER_CYCLE_MIN: usize = 10;

type Book = Arc<Mutex<Ledger>>;

#[derive(Deserialize)]
struct Answer {
    events: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    id: EventId,
}

/// Runs the cycles and prints the ledger's verdict. Fails when it is not clean, or too little
/// happened.
pub async fn run(cycles: u32, tidings: Option<PathBuf>, seed: u64) -> Result<(), Failure> {
    let program = match tidings {
        Some(program) => program,
        None => product::beside()?,
    };
    let book: Book = Arc::default();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(receive(listener, Arc::clone(&book)));
    let urls = RECEIVERS.map(|name| format!("http://{address}/{name}"));
    let mut product = Product::start(&program, &urls).await?;
    let mut random = seed | 1;
    let mut slowest_start = Duration::ZERO;
    let mut keys = 0;
    let mut open: Vec<Vec<String>> = Vec::new();
    for cycle in 1..=cycles {
        let moment = Duration::from_millis(200 + next(&mut random) % 1_200);
        open = load(&product, &book, open, &mut keys, moment, &mut product_kill(&product)?).await;
        lock(&book).kill(Instant::now());
        product.kill()?;
        let started = Instant::now();
        product.restart()?;
        slowest_start = slowest_start.max(started.elapsed());
        if cycle % 10 == 0 || cycle == cycles {
            let owed = lock(&book).owed(RECEIVERS.len());
            println!("cycle {cycle} of {cycles}: {owed} deliveries on their way");
        }
    }
    settle(&product, &book, open).await?;
    let verdict = lock(&book).verdict(RECEIVERS.len());
    print(&verdict, cycles, slowest_start);
    judge(&verdict, cycles)
}

/// Fires until the moment has come, then has the server killed while requests are on their way.
/// Returns the requests whose answer did not come.
async fn load(
    product: &Product,
    book: &Book,
    open: Vec<Vec<String>>,
    keys: &mut usize,
    moment: Duration,
    kill: &mut impl FnMut(),
) -> Vec<Vec<String>> {
    let until = Instant::now() + moment;
    let mut left = open;
    let mut producers = Vec::new();
    for _ in 0..PRODUCERS {
        let mine = left.split_off(left.len().saturating_sub(left.len().div_ceil(PRODUCERS)));
        let first = *keys;
        *keys += 1_000_000;
        let (address, token) = (product.address, product.token.clone());
        let book = Arc::clone(book);
        producers.push(tokio::spawn(async move {
            produce(address, &token, &book, mine, first, until).await
        }));
    }
    tokio::time::sleep_until(until.into()).await;
    kill();
    for producer in producers {
        left.extend(producer.await.unwrap_or_default());
    }
    left
}

/// Fires requests of 1 to 10 events until the connection breaks; returns what was not acknowledged.
async fn produce(
    address: std::net::SocketAddr,
    token: &str,
    book: &Book,
    mut open: Vec<Vec<String>>,
    first: usize,
    until: Instant,
) -> Vec<Vec<String>> {
    let Ok(mut client) = Client::connect(address).await else { return open };
    let mut number = first;
    loop {
        let keys = open.pop().unwrap_or_else(|| {
            let count = 1 + number % 10;
            let keys = (number..number + count).map(|key| format!("crash-{key}")).collect();
            number += count;
            keys
        });
        match fire(&mut client, token, &keys).await {
            Ok(ids) => {
                let mut ledger = lock(book);
                ids.into_iter().for_each(|id| ledger.acknowledge(id));
            }
            Err(_) => {
                open.push(keys);
                return open;
            }
        }
        // A long run must not pile up more than its receivers can take.
        while lock(book).owed(RECEIVERS.len()) > OWED_MAX && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The kill comes at `until`; going on a little makes sure that it meets requests on their
        // way.
        if Instant::now() > until + Duration::from_millis(500) {
            return open;
        }
    }
}

async fn fire(client: &mut Client, token: &str, keys: &[String]) -> Result<Vec<EventId>, Failure> {
    let events: Vec<_> = keys
        .iter()
        .map(|key| {
            let id = product::ENTITY;
            json!({ "trigger": "EnergySwitchUpdated", "id": id, "idempotencyKey": key })
        })
        .collect();
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    let body = Bytes::from(serde_json::to_vec(&events)?);
    let (status, answer) = client.post("/v1/events", &headers, body).await?;
    if status != StatusCode::ACCEPTED {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&answer)).into());
    }
    let answer: Answer = serde_json::from_slice(&answer)?;
    Ok(answer.events.into_iter().map(|event| event.id).collect())
}

/// Acknowledges what is open and waits until nothing is owed.
async fn settle(product: &Product, book: &Book, open: Vec<Vec<String>>) -> Result<(), Failure> {
    let mut client = Client::connect(product.address).await?;
    for keys in open {
        let ids = fire(&mut client, &product.token, &keys).await?;
        let mut ledger = lock(book);
        ids.into_iter().for_each(|id| ledger.acknowledge(id));
    }
    let until = Instant::now() + PATIENCE;
    while lock(book).owed(RECEIVERS.len()) > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What comes now comes for no reason.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(())
}

/// Sends the signal right away, so that requests are on their way when it comes.
fn product_kill(product: &Product) -> Result<impl FnMut() + use<>, Failure> {
    let pid = i32::try_from(product.pid())?;
    let pid = rustix::process::Pid::from_raw(pid).ok_or("a process has a positive id")?;
    Ok(move || {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    })
}

async fn receive(listener: TcpListener, book: Book) {
    let key = Key::parse(product::KEY).expect("the bench's own key is well-formed");
    while let Ok((stream, _)) = listener.accept().await {
        let (book, key) = (Arc::clone(&book), key.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let (book, key) = (Arc::clone(&book), key.clone());
                async move { Ok::<_, Infallible>(take(request, &book, &key).await) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn take(request: Request<Incoming>, book: &Book, key: &Key) -> Response<Empty<Bytes>> {
    let (parts, body) = request.into_parts();
    let begun = Instant::now();
    // A request that a kill cut off is no request: its sender is gone.
    let Ok(body) = body.collect().await.map(|body| body.to_bytes()) else {
        return answer(StatusCode::BAD_REQUEST);
    };
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let keys = std::slice::from_ref(key);
    let standard = StandardHeaders::read(header).is_ok_and(|headers| {
        verify_standard(keys, &headers, &body, i64::try_from(now).unwrap_or(0)).is_ok()
    });
    let x_signature = header("x-signature").unwrap_or_default();
    let verified = standard && verify_sha1(keys, x_signature, &body).is_ok();
    let Some(id) = header("webhook-id").and_then(|id| id.parse().ok()) else {
        lock(book).arrive_nonsense();
        return answer(StatusCode::BAD_REQUEST);
    };
    let hash: [u8; 32] = Sha256::digest(&body).into();
    let refuses =
        parts.uri.path() == "/flaky" && hash[0].is_multiple_of(4) && lock(book).is_new(id);
    if parts.uri.path() == "/slow" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    lock(book).arrive(id, begun, hash, verified, !refuses);
    answer(if refuses { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK })
}

fn answer(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = status;
    answer
}

fn lock(book: &Book) -> std::sync::MutexGuard<'_, Ledger> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A xorshift generator: the moments need no better one.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn print(verdict: &Verdict, cycles: u32, slowest_start: Duration) {
    println!(
        "{cycles} kills, {} events acknowledged, {} deliveries taken\n\
         lost {}   unexpected {}   corrupt or wrongly signed {}\n\
         twice because of a kill {}   twice for no reason {}\n\
         slowest start {:.2} s",
        verdict.acknowledged,
        verdict.delivered,
        verdict.lost,
        verdict.unexpected,
        verdict.corrupt,
        verdict.explained,
        verdict.unexplained,
        slowest_start.as_secs_f64(),
    );
}

fn judge(verdict: &Verdict, cycles: u32) -> Result<(), Failure> {
    let least = EVENTS_PER_CYCLE_MIN * usize::try_from(cycles)?;
    if verdict.acknowledged < least {
        let counted = verdict.acknowledged;
        return Err(format!("too little happened to prove anything: {counted} events").into());
    }
    if verdict.is_clean() { Ok(()) } else { Err("the ledger and the product disagree".into()) }
}
