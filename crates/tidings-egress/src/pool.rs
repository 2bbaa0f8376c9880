//! Connections that speak HTTP/1.1, and those of them that wait for the next request.
//!
//! A connection is driven by who uses it: no task of its own, so a request costs no switch between
//! tasks, and dropping the call closes the socket at once. While it waits here nobody drives it;
//! who takes it out, and the sweeper now and then, looks whether the endpoint closed it meanwhile.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::future::Future;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::connect::Stream;
use crate::moment;

/// How old a connection may get: then the name is looked up and the certificate checked anew.
const AGE_MAX: Duration = Duration::from_secs(300);
/// Waiting connections to one origin.
const IDLE_PER_ORIGIN_MAX: usize = 64;
/// Waiting connections in all.
const IDLE_MAX: usize = 1024;
/// The sweeper comes this often within the time that a connection may wait.
const SWEEPS_PER_IDLE_TIME: u32 = 6;

/// The answer's header block, in bytes.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// What is read ahead of who consumes it, in bytes.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

type Outgoing = Request<Full<Bytes>>;
type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// One connection, between requests or in the middle of one.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Gone once the connection is closed.
    driver: Option<Pin<Box<Driver>>>,
    born_at: Instant,
}

impl Connection {
    /// Prepares HTTP on an open stream; sends nothing yet.
    pub(crate) async fn new(stream: Stream) -> hyper::Result<Connection> {
        let (sender, driver) = http1::Builder::new()
            .max_header_size(HEADER_BYTES_MAX)
            .max_buf_size(BUFFER_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Connection { sender, driver: Some(Box::pin(driver)), born_at: moment::now() })
    }

    /// Sends the request and waits for the end of the answer's header block. The error gives the
    /// request back when not a byte of it was sent.
    pub(crate) async fn exchange(
        &mut self,
        request: Outgoing,
    ) -> Result<Response<Incoming>, TrySendError<Outgoing>> {
        let mut response = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        poll_fn(|context| {
            drive(driver, context);
            response.as_mut().poll(context)
        })
        .await
    }

    /// The next piece of the answer's body.
    pub(crate) async fn frame(
        &mut self,
        body: &mut Incoming,
    ) -> Option<hyper::Result<Frame<Bytes>>> {
        poll_fn(|context| {
            if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) {
                return Poll::Ready(frame);
            }
            drive(&mut self.driver, context);
            Pin::new(&mut *body).poll_frame(context)
        })
        .await
    }

    /// Whether the next request may go out on this connection, after an answer was read to its
    /// end or after a while in the pool. Looks at the socket, waits for nothing.
    fn is_ready(&mut self) -> bool {
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

fn drive(driver: &mut Option<Pin<Box<Driver>>>, context: &mut Context<'_>) {
    if let Some(driving) = driver
        && driving.as_mut().poll(context).is_ready()
    {
        // Its error, if any, reached who waits for the answer.
        *driver = None;
    }
}

/// The connections that wait for their next request, by origin.
pub(crate) struct Pool {
    idle: Mutex<Idle>,
    /// How long a connection may wait for its next request.
    idle_time: Duration,
}

#[derive(Default)]
struct Idle {
    by_origin: HashMap<Arc<str>, VecDeque<Waiting>>,
    count: usize,
    is_swept: bool,
}

struct Waiting {
    connection: Connection,
    since: Instant,
}

impl Waiting {
    fn is_fresh(&self, now: Instant, idle_time: Duration) -> bool {
        now.duration_since(self.since) < idle_time
            && now.duration_since(self.connection.born_at) < AGE_MAX
    }
}

impl Pool {
    pub(crate) fn new(idle_time: Duration) -> Pool {
        Pool { idle: Mutex::new(Idle::default()), idle_time }
    }

    /// A connection to the origin that is still open, the one used last first.
    pub(crate) fn take(&self, origin: &Arc<str>) -> Option<Connection> {
        let now = moment::now();
        loop {
            let mut waiting = self.pop(origin)?;
            if waiting.is_fresh(now, self.idle_time) && waiting.connection.is_ready() {
                return Some(waiting.connection);
            }
        }
    }

    fn pop(&self, origin: &Arc<str>) -> Option<Waiting> {
        let mut idle = self.lock();
        let waiting = idle.by_origin.get_mut(origin)?.pop_back()?;
        idle.count -= 1;
        Some(waiting)
    }

    /// Keeps a connection whose answer was read to its end, if it is open and there is room.
    pub(crate) fn put(self: &Arc<Self>, origin: &Arc<str>, mut connection: Connection) {
        if !connection.is_ready() {
            return;
        }
        let since = moment::now();
        let mut idle = self.lock();
        if idle.count >= IDLE_MAX {
            return;
        }
        let waiting = match idle.by_origin.get_mut(origin) {
            Some(waiting) => waiting,
            None => idle.by_origin.entry(Arc::clone(origin)).or_default(),
        };
        if waiting.len() >= IDLE_PER_ORIGIN_MAX {
            return;
        }
        waiting.push_back(Waiting { connection, since });
        idle.count += 1;
        let starts_sweeper = !std::mem::replace(&mut idle.is_swept, true);
        drop(idle);
        if starts_sweeper {
            let interval = self.idle_time / SWEEPS_PER_IDLE_TIME;
            tokio::spawn(sweep_until_empty(Arc::downgrade(self), interval));
        }
    }

    /// How many connections wait.
    pub(crate) fn idle_count(&self) -> usize {
        self.lock().count
    }

    /// Closes what is too old or was closed by the endpoint. Says whether any connection is left.
    fn sweep(&self) -> bool {
        let now = moment::now();
        let mut idle = self.lock();
        let mut count = 0;
        idle.by_origin.retain(|_, waiting| {
            waiting.retain_mut(|it| it.is_fresh(now, self.idle_time) && it.connection.is_ready());
            count += waiting.len();
            !waiting.is_empty()
        });
        idle.count = count;
        idle.is_swept = count > 0;
        count > 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        // Nothing is half done when a holder panics: the worst is a count that is off by one,
        // and the sweeper counts anew.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep_until_empty(pool: Weak<Pool>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        match pool.upgrade() {
            Some(pool) if pool.sweep() => {}
            _ => return,
        }
    }
}
