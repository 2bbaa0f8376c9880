//! The server loop over one listener: HTTP/1.1, every connection counted, every wait bounded. TLS
//! is the reverse proxy's.
//!
//!   accept ─► room? (in all, and for this address) ─► head within its time ─► router ─► answer
//!      ▲ └─ no descriptors left ─► wait, then again      └─ idle, slow or broken ─► closed
//!      └─────────── until the signal; then open connections finish what they have begun

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Request, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::{
    crowd::{Crowd, Place},
    framing::{Framing, Watched},
    problem::Problem,
    stall::Impatient,
};

/// Bounds of the server loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServeLimits {
    /// Connections that are open at a time.
    pub connections_max: usize,
    /// Connections of one address that are open at a time.
    pub connections_per_address_max: usize,
    /// The same for loopback, where a reverse proxy speaks for everyone.
    pub connections_of_loopback_max: usize,
    /// Milliseconds in which a request's head must have arrived; also how long a connection may be
    /// idle.
    pub head_ms_max: u64,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// Headers of a request.
    pub headers_max: usize,
    /// Milliseconds for which a peer may take nothing of an answer.
    pub write_ms_max: u64,
    /// Milliseconds in which open connections must have finished after the signal.
    pub drain_ms_max: u64,
}

impl ServeLimits {
    /// What holds where nothing is set.
    #[must_use]
    pub fn standard() -> ServeLimits {
        ServeLimits {
            connections_max: 4_096,
            connections_per_address_max: 256,
            connections_of_loopback_max: 4_096,
            head_ms_max: 10_000,
            head_bytes_max: 32 * 1024,
            headers_max: 100,
            write_ms_max: 30_000,
            drain_ms_max: 30_000,
        }
    }
}

/// The wait after an accept that failed: for want of descriptors, it would fail again at once.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// Serves until `signal` is ready and open connections have finished, or their time is over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServeLimits,
    signal: impl Future<Output = ()>,
) {
    let connections = Crowd::default();
    let graceful = GracefulShutdown::new();
    let mut signal = std::pin::pin!(signal);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut signal => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let own_max = per_address_max(&limits, peer.ip());
                match connections.enter(&peer.ip(), limits.connections_max, own_max) {
                    Ok(place) => connect(stream, peer, place, limits, router.clone(), &graceful),
                    // Refused by closing: an answer would take what there is too little of.
                    Err(_) => debug!(peer = %peer, "a connection was refused: too many are open"),
                }
            }
            Err(error) => wait_after(&error).await,
        }
    }
    drop(listener);
    let drain = Duration::from_millis(limits.drain_ms_max);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        warn!("connections were still open after {} ms and are cut", limits.drain_ms_max);
    }
}

async fn wait_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    // The peer was gone before it was accepted: nothing of ours is wrong.
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    warn!(error = %error, "no connection can be accepted at present: {error}");
    tokio::time::sleep(ACCEPT_BACK_OFF).await;
}

fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place<IpAddr>,
    limits: ServeLimits,
    router: Router,
    graceful: &GracefulShutdown,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(peer = %peer, error = %error, "a connection keeps its delay");
    }
    let (stream, framing) = Watched::new(Impatient::new(stream, limits.write_ms_max));
    let service = service_fn(move |request| answer(router.clone(), peer, framing.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.head_ms_max))
        .max_headers(limits.headers_max)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max.max(64 * 1024))
        .serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = watched.await {
            debug!(peer = %peer, error = %error, "a connection ended early");
        }
    });
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    framing: Framing,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    if framing.is_broken() {
        let detail = "the request is framed in a way that can be read in two: send CRLF line ends \
         and one length";
        return Ok(Problem::broken_request(detail).into_response());
    }
    // What follows a chunked body is not watched: see framing.rs.
    let closes = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let mut response = router.oneshot(request).await?;
    if closes {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// How many connections an address may have.
fn per_address_max(limits: &ServeLimits, address: IpAddr) -> usize {
    match address.to_canonical().is_loopback() {
        true => limits.connections_of_loopback_max,
        false => limits.connections_per_address_max,
    }
}
