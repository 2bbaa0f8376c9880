//! A receiver of webhooks: takes requests in, verifies them, answers.
//!
//!   request ─► body, bounded ─► verify both signatures ─► Received ─► who prints it
//!                                                     └─► the answer, as good or bad as asked

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use hyper::body::Incoming;
use tidings_core::limits::PAYLOAD_BYTES_MAX;
use tidings_store::Chance;
use tidings_verify::{Key, Rejection, StandardHeaders, verify_sha1, verify_standard};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    chance::SystemChance,
    clock,
    failure::Failure,
    small_server::{self, Answer},
};

/// Requests that wait to be printed; a slow terminal slows the sender down, not this process.
const WAITING_MAX: usize = 256;

/// How the receiver behaves.
#[derive(Clone, Debug)]
pub struct Manners {
    /// The keys that may have signed; without any nothing is verified.
    pub keys: Vec<Key>,
    /// The status of every answer.
    pub status: u16,
    /// How long every answer waits.
    pub delay: Duration,
    /// Which part of the requests is answered with 500.
    pub fail_rate: f64,
}

impl Manners {
    /// One that verifies with this key and answers 200 at once.
    pub fn good(key: Key) -> Manners {
        Manners { keys: vec![key], status: 200, delay: Duration::ZERO, fail_rate: 0.0 }
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// How it was sent.
    pub method: Method,
    /// Where to.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it came.
    pub body: Bytes,
    /// Whether its signatures fit.
    pub verdict: Verdict,
    /// What it was answered.
    pub status: u16,
}

/// What verifying came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// There was no key to verify with.
    NoKey,
    /// What each of the two says.
    Checked {
        /// `X-Signature`.
        sha1: Result<(), Rejection>,
        /// `webhook-signature`.
        standard: Result<(), Rejection>,
    },
}

impl Verdict {
    /// Whether both signatures fit.
    pub fn is_right(&self) -> bool {
        *self == Verdict::Checked { sha1: Ok(()), standard: Ok(()) }
    }
}

impl Received {
    /// The header's text; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A receiver that listens.
pub struct Receiver {
    /// Where.
    pub address: SocketAddr,
    /// What arrives.
    pub received: mpsc::Receiver<Received>,
}

/// Listens on 127.0.0.1 until the program ends or `received` is dropped.
pub async fn start(port: u16, manners: Manners) -> Result<Receiver, Failure> {
    let wanted = SocketAddr::from(([127, 0, 0, 1], port));
    let cannot = |error: std::io::Error| {
        Failure::new(format!("cannot listen on {wanted}: {error}: choose another with --port"))
    };
    let listener = TcpListener::bind(wanted).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let (sender, received) = mpsc::channel(WAITING_MAX);
    let manners = Arc::new(manners);
    tokio::spawn(async move {
        let closed = sender.clone();
        let answer = move |request| answer(request, Arc::clone(&manners), sender.clone());
        tokio::select! {
            () = small_server::serve(listener, answer) => {}
            () = closed.closed() => {}
        }
    });
    Ok(Receiver { address, received })
}

async fn answer(
    request: Request<Incoming>,
    manners: Arc<Manners>,
    sender: mpsc::Sender<Received>,
) -> Answer {
    let (parts, body) = request.into_parts();
    let body = match small_server::body(body, 2 * PAYLOAD_BYTES_MAX).await {
        Ok(body) => body,
        Err(status) => return plain(status),
    };
    tokio::time::sleep(manners.delay).await;
    let status = if fails(manners.fail_rate) { 500 } else { manners.status };
    let verdict = verify(&manners.keys, &parts.headers, &body);
    let received = Received {
        method: parts.method,
        path: parts.uri.to_string(),
        headers: parts.headers,
        body,
        verdict,
        status,
    };
    let _no_one_is_left_to_print = sender.send(received).await;
    plain(StatusCode::from_u16(status).unwrap_or(StatusCode::OK))
}

fn plain(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}

fn fails(rate: f64) -> bool {
    let chance: &dyn Chance = &SystemChance;
    // 53 bits are what a double holds.
    let drawn = (chance.number() >> 11) as f64 / (1u64 << 53) as f64;
    drawn < rate
}

fn verify(keys: &[Key], headers: &HeaderMap, body: &[u8]) -> Verdict {
    if keys.is_empty() {
        return Verdict::NoKey;
    }
    let find = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let sha1 = match find("x-signature") {
        Some(value) => verify_sha1(keys, value, body),
        None => Err(Rejection::Missing { name: "x-signature" }),
    };
    let standard = StandardHeaders::read(find)
        .and_then(|read| verify_standard(keys, &read, body, clock::wall().unix_seconds()));
    Verdict::Checked { sha1, standard }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_verify::{sign_sha1, sign_standard};

    #[test]
    fn a_request_is_right_when_both_signatures_fit() {
        let key = Key::parse("a-shared-key-of-the-test").unwrap();
        let now = clock::wall().unix_seconds();
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: String| {
            headers.insert(name, value.parse().unwrap());
        };
        put("webhook-id", "msg_1".to_owned());
        put("webhook-timestamp", now.to_string());
        put("webhook-signature", sign_standard(key.as_bytes(), "msg_1", now, b"{}"));
        put("x-signature", sign_sha1(key.as_bytes(), b"{}"));
        let keys = [key];
        assert!(verify(&keys, &headers, b"{}").is_right());
        assert!(!verify(&keys, &headers, b"{ }").is_right());
        assert!(!verify(&[], &headers, b"{}").is_right());
        headers.remove("x-signature");
        assert!(!verify(&keys, &headers, b"{}").is_right());
    }

    #[test]
    fn a_rate_of_0_never_fails_and_a_rate_of_1_always() {
        assert!((0..1_000).all(|_| !fails(0.0) && fails(1.0)));
    }
}
