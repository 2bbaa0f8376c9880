//! The measure of all things: a bare client that signs one body and POSTs it, again and again.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tidings_verify::{Key, sign_sha1, sign_standard};

use crate::client::{Client, Failure};

/// Connections that send at the same time.
pub const CONNECTIONS: usize = 64;

/// Sends `count` signed copies of the body to the sink and says how long that took.
pub async fn send(
    sink: SocketAddr,
    key: &Key,
    body: &Bytes,
    count: usize,
) -> Result<Duration, Failure> {
    let left = Arc::new(AtomicUsize::new(count));
    let started = Instant::now();
    let mut tasks = Vec::with_capacity(CONNECTIONS);
    for connection in 0..CONNECTIONS {
        let (left, key, body) = (Arc::clone(&left), key.clone(), body.clone());
        tasks.push(tokio::spawn(async move {
            let mut client = Client::connect(sink).await?;
            while take_one(&left) {
                post(&mut client, &key, &body, connection).await?;
            }
            Ok::<(), Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(started.elapsed())
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

async fn post(client: &mut Client, key: &Key, body: &Bytes, number: usize) -> Result<(), Failure> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let timestamp = i64::try_from(seconds)?;
    let id = format!("bare-{number}");
    let x_signature = sign_sha1(key.as_bytes(), body);
    let signature = sign_standard(key.as_bytes(), &id, timestamp, body);
    let timestamp = timestamp.to_string();
    let headers = [
        ("accept", "application/json, text/plain, */*"),
        ("user-agent", "tidings-bench"),
        ("x-signature", x_signature.as_str()),
        ("webhook-id", id.as_str()),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let (status, _) = client.post("/", &headers, body.clone()).await?;
    if status.is_success() { Ok(()) } else { Err(format!("the sink answered {status}").into()) }
}
