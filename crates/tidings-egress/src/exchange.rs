//! One call: a request out, the answer in, within its time.
//!
//! ```text
//!   target ─► idle connection, or connect ─► request ─► header block ─► up to N bytes of body
//!   └────────────────────────── `timeout` ─────────────────────────┘    └── `body_time` ───┘
//! ```
//!
//! With the header block the outcome is known, and nothing after it changes it. A request that a
//! connection from the pool gave back unsent goes out once more on a fresh one. Nothing else is
//! tried twice, and no redirect is followed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use crate::connect::Connector;
use crate::error::{EgressError, Phase, SendFailure};
use crate::policy::Profile;
use crate::pool::{Connection, Pool};
use crate::resolve::Resolver;
use crate::target::{Target, TargetError};
use crate::tls;

/// The way out, for one profile. Cloning is cheap; clones share connections.
#[derive(Clone)]
pub struct Egress {
    connector: Arc<Connector>,
    pool: Arc<Pool>,
}

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct EgressOptions {
    /// A PEM file with CAs that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The DNS server to ask instead of the system's resolver.
    pub resolver: Option<SocketAddr>,
    /// How long connecting may take, over all addresses of the host; a lookup may take as long.
    pub connect_timeout: Duration,
    /// How long an open connection waits for its next request.
    pub idle_time: Duration,
}

impl EgressOptions {
    /// Connecting takes 10 s at most (wire section 4), and connections wait for 30 s.
    pub fn new(ca_file: Option<PathBuf>, resolver: Option<SocketAddr>) -> EgressOptions {
        EgressOptions {
            ca_file,
            resolver,
            connect_timeout: Duration::from_secs(10),
            idle_time: Duration::from_secs(30),
        }
    }
}

/// What is sent. `Host`, the length and the connection's own headers are set here, and replaced
/// or removed where they are given.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// `POST` for deliveries and source queries, `GET` for key sets.
    pub method: Method,
    /// All further headers.
    pub headers: HeaderMap,
    /// The body, sent as it is.
    pub body: Bytes,
}

/// How long a call may take and how much of the answer is kept.
#[derive(Clone, Copy, Debug)]
pub struct SendLimits {
    /// From the start of the call to the end of the answer's header block.
    pub timeout: Duration,
    /// How many bytes of the answer's body are kept.
    pub body_bytes_max: usize,
    /// How long the body is read for, after the header block.
    pub body_time: Duration,
}

impl SendLimits {
    /// What a delivery has (wire section 4).
    pub const DELIVERY: SendLimits = SendLimits {
        timeout: Duration::from_secs(30),
        body_bytes_max: 16 * 1024,
        body_time: Duration::from_secs(2),
    };
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code, 100 to 999.
    pub status: u16,
    /// At most 100 headers in at most 32 KiB.
    pub headers: HeaderMap,
    /// The first bytes of the body, as they came: nothing is decompressed.
    pub body: Bytes,
    /// There was more, or it did not come in time, or the connection broke.
    pub body_truncated: bool,
}

/// An answer whose body is still to be read.
pub struct OpenAnswer {
    /// The status code, 100 to 999.
    pub status: u16,
    /// At most 100 headers in at most 32 KiB.
    pub headers: HeaderMap,
    /// Gone once the body was read to its end, or broke off.
    connection: Option<Connection>,
    incoming: Incoming,
    pool: Arc<Pool>,
    origin: Arc<str>,
}

impl OpenAnswer {
    /// The next piece of the body, as it came: nothing is decompressed. `None` at its end, after
    /// which the connection serves the next call.
    ///
    /// # Errors
    /// [`SendFailure::Broken`]: the body broke off, and there are no more pieces.
    pub async fn next(&mut self) -> Option<Result<Bytes, SendFailure>> {
        loop {
            let connection = self.connection.as_mut()?;
            if self.incoming.is_end_stream() {
                self.give_back();
                return None;
            }
            match connection.frame(&mut self.incoming).await {
                None => {
                    self.give_back();
                    return None;
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Some(Ok(data)),
                    Err(_trailers) => {}
                },
                Some(Err(error)) => {
                    self.connection = None;
                    return Some(Err(no_answer(&error)));
                }
            }
        }
    }

    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put(&self.origin, connection);
        }
    }
}

impl Egress {
    /// Reads the certificates and prepares the resolver; connects to nothing.
    pub fn new(profile: Profile, options: EgressOptions) -> Result<Egress, EgressError> {
        let resolver = Resolver::new(options.resolver, options.connect_timeout)?;
        let tls = tls::client_config(options.ca_file.as_deref())?;
        let connector = Connector::new(profile, resolver, tls, options.connect_timeout);
        Ok(Egress { connector: Arc::new(connector), pool: Arc::new(Pool::new(options.idle_time)) })
    }

    /// Parses a URL under this way's profile.
    pub fn target(&self, text: &str) -> Result<Target, TargetError> {
        Target::parse(text, self.connector.profile())
    }

    /// How many open connections wait for a request.
    pub fn idle_count(&self) -> usize {
        self.pool.idle_count()
    }

    /// Makes one call. Dropping the future closes its connection.
    pub async fn send(
        &self,
        target: &Target,
        outgoing: Outgoing,
        limits: &SendLimits,
    ) -> Result<Answer, SendFailure> {
        let mut answer = self.open(target, outgoing, limits.timeout).await?;
        let (body, is_complete) = read_body(&mut answer, limits).await;
        let OpenAnswer { status, headers, .. } = answer;
        Ok(Answer { status, headers, body, body_truncated: !is_complete })
    }

    /// Makes one call and leaves the body to be read piece by piece. `within` is the time from the
    /// start of the call to the end of the answer's header block. Dropping the future, or the
    /// answer before its end, closes its connection.
    pub async fn open(
        &self,
        target: &Target,
        outgoing: Outgoing,
        within: Duration,
    ) -> Result<OpenAnswer, SendFailure> {
        let mut phase = Phase::Answer;
        let request = request(target, outgoing);
        let head = timeout(within, self.head(target, request, &mut phase)).await;
        let (connection, response) = head.unwrap_or(Err(SendFailure::Timeout { phase }))?;
        let (parts, incoming) = response.into_parts();
        Ok(OpenAnswer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            connection: Some(connection),
            incoming,
            pool: Arc::clone(&self.pool),
            origin: Arc::clone(target.origin_key()),
        })
    }

    async fn head(
        &self,
        target: &Target,
        mut request: Request<Full<Bytes>>,
        phase: &mut Phase,
    ) -> Result<(Connection, Response<Incoming>), SendFailure> {
        if let Some(mut connection) = self.pool.take(target.origin_key()) {
            match connection.exchange(request).await {
                Ok(response) => return Ok((connection, response)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(no_answer(failed.error())),
                },
            }
        }
        let stream = self.connector.connect(target, phase).await?;
        *phase = Phase::Answer;
        let mut connection = Connection::new(stream).await.map_err(|error| no_answer(&error))?;
        match connection.exchange(request).await {
            Ok(response) => Ok((connection, response)),
            Err(failed) => Err(no_answer(failed.error())),
        }
    }
}

/// Headers that belong to the connection and not to who sends.
const NOT_THE_CALLERS: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

fn request(target: &Target, outgoing: Outgoing) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(outgoing.body));
    *request.method_mut() = outgoing.method;
    *request.uri_mut() = target.uri().clone();
    let mut headers = outgoing.headers;
    for name in &NOT_THE_CALLERS {
        headers.remove(name);
    }
    headers.insert(HOST, target.host_header().clone());
    *request.headers_mut() = headers;
    request
}

/// What it came to when no header block came. The texts are fixed or the parser's: neither holds
/// an address nor a byte of what the endpoint sent.
fn no_answer(error: &hyper::Error) -> SendFailure {
    if error.is_parse() {
        return SendFailure::NotHttp { why: error.to_string() };
    }
    let source = std::error::Error::source(error);
    let why = match source.and_then(|source| source.downcast_ref::<std::io::Error>()) {
        Some(io) => format!("{error}: {}", io.kind()),
        None => error.to_string(),
    };
    SendFailure::Broken { why }
}

/// Reads what the limits allow. The second value says whether the body was read to its end, so
/// that the connection may be used again. Nothing here fails: the outcome is known already.
async fn read_body(answer: &mut OpenAnswer, limits: &SendLimits) -> (Bytes, bool) {
    let mut body = BytesMut::new();
    let reading = read_pieces(answer, limits.body_bytes_max, &mut body);
    let is_complete = timeout(limits.body_time, reading).await.unwrap_or(false);
    (body.freeze(), is_complete)
}

async fn read_pieces(answer: &mut OpenAnswer, bytes_max: usize, body: &mut BytesMut) -> bool {
    loop {
        let data = match answer.next().await {
            None => return true,
            Some(Ok(data)) => data,
            Some(Err(_)) => return false,
        };
        let room = bytes_max - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return false;
        }
    }
}
