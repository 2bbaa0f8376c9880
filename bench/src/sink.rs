//! A receiver that counts, measures age, and answers 200.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tidings_verify::{Key, verify_sha1};
use tokio::net::TcpListener;

use crate::client::Failure;

/// Every so many requests one is verified, its sink being no part of what is measured.
const VERIFY_EACH: usize = 100;

/// What has arrived.
#[derive(Default)]
pub struct Sink {
    count: AtomicUsize,
    unverified: AtomicUsize,
    key: Mutex<Option<Key>>,
    last_body: Mutex<Bytes>,
    arrivals: Mutex<HashMap<String, Arrival>>,
}

/// The first arrival under one `webhook-id`, and how many there were.
#[derive(Clone, Copy)]
pub struct Arrival {
    /// When it came.
    pub first: Instant,
    /// How often.
    pub times: usize,
}

impl Sink {
    /// Listens on a free port and serves until the program ends.
    pub async fn start() -> Result<(Arc<Sink>, SocketAddr), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let sink = Arc::new(Sink::default());
        tokio::spawn(serve(listener, Arc::clone(&sink)));
        Ok((sink, address))
    }

    /// The key that a part of the requests is verified with.
    pub fn expect_key(&self, key: Key) {
        *lock(&self.key) = Some(key);
    }

    /// How many requests came.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many of the verified ones had a wrong signature.
    pub fn unverified(&self) -> usize {
        self.unverified.load(Ordering::Relaxed)
    }

    /// How many different deliveries came.
    pub fn different(&self) -> usize {
        lock(&self.arrivals).len()
    }

    /// What came since the last call, by `webhook-id`.
    pub fn take_arrivals(&self) -> HashMap<String, Arrival> {
        std::mem::take(&mut *lock(&self.arrivals))
    }

    /// The body that came last.
    pub fn last_body(&self) -> Bytes {
        lock(&self.last_body).clone()
    }

    async fn take(&self, request: Request<Incoming>) -> Response<Empty<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let now = Instant::now();
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(id) = header("webhook-id") {
            let mut arrivals = lock(&self.arrivals);
            arrivals.entry(id.to_owned()).or_insert(Arrival { first: now, times: 0 }).times += 1;
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(VERIFY_EACH) {
            let key = lock(&self.key).clone();
            let signature = header("x-signature").unwrap_or_default();
            if key.is_some_and(|key| verify_sha1(&[key], signature, &body).is_err()) {
                self.unverified.fetch_add(1, Ordering::Relaxed);
            }
            *lock(&self.last_body) = body;
        }
        Response::new(Empty::new())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, sink: Arc<Sink>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let sink = Arc::clone(&sink);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let sink = Arc::clone(&sink);
                async move { Ok::<_, Infallible>(sink.take(request).await) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Serves on an address and prints a line each second, until it is stopped.
pub async fn serve_alone(listen: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let sink = Arc::new(Sink::default());
    tokio::spawn(serve(listener, Arc::clone(&sink)));
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let count = sink.count();
        if count != before {
            println!(
                "{count} requests, {} different, {} a second",
                sink.different(),
                count - before
            );
        }
        before = count;
    }
}
