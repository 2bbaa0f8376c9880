//! A connection to a target: look up, judge, dial, check where it ended, shake hands.
//!
//! ```text
//!   host ─► all its addresses ─► any denied? ─ yes ─► refuse
//!                                 └─ no ─► dial in turn ─► peer as vetted? ─► TLS ─► Stream
//! ```

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use crate::error::{Phase, SendFailure};
use crate::moment;
use crate::policy::{Denied, Profile, permitted};
use crate::resolve::Resolver;
use crate::target::{Scheme, Target};
use crate::tls;

/// Addresses of one name that are dialled before giving up. All are judged.
const DIALLED_MAX: usize = 16;

/// What is needed to connect to a target.
pub(crate) struct Connector {
    profile: Profile,
    resolver: Resolver,
    tls: TlsConnector,
    connect_time: Duration,
}

impl Connector {
    pub(crate) fn new(
        profile: Profile,
        resolver: Resolver,
        tls: Arc<ClientConfig>,
        connect_time: Duration,
    ) -> Connector {
        Connector { profile, resolver, tls: TlsConnector::from(tls), connect_time }
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Connects. `phase` says where it is, for who stops waiting.
    pub(crate) async fn connect(
        &self,
        target: &Target,
        phase: &mut Phase,
    ) -> Result<Stream, SendFailure> {
        if target.scheme() == Scheme::Http && !self.profile.allow_http {
            return Err(Denied::PlainHttp { section: self.profile.section }.into());
        }
        *phase = Phase::Lookup;
        let addresses = self.vetted_addresses(target).await?;
        *phase = Phase::Connect;
        let stream = self.dial_any(&addresses).await?;
        if target.scheme() == Scheme::Http {
            return Ok(Stream::Plain(stream));
        }
        *phase = Phase::Tls;
        match self.tls.connect(target.server_name().clone(), stream).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) => Err(tls::failure(&error)),
        }
    }

    /// The addresses of the host, every one of them permitted: a name with one forbidden address
    /// is refused whole, since who mixes them in means to reach it.
    async fn vetted_addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, SendFailure> {
        let found = match target.host() {
            Host::Ipv4(v4) => vec![IpAddr::V4(*v4)],
            Host::Ipv6(v6) => vec![IpAddr::V6(*v6)],
            Host::Domain(name) => self.resolver.lookup(name).await?,
        };
        let mut vetted = Vec::with_capacity(found.len().min(DIALLED_MAX));
        for ip in found {
            let address = SocketAddr::new(ip.to_canonical(), target.port());
            permitted(address, &self.profile)?;
            if vetted.len() < DIALLED_MAX && !vetted.contains(&address) {
                vetted.push(address);
            }
        }
        Ok(vetted)
    }

    /// Dials one address after another until one answers. Each gets half of the time that is
    /// left, the last one all of it, so that a silent address cannot use up the others' time.
    async fn dial_any(&self, addresses: &[SocketAddr]) -> Result<TcpStream, SendFailure> {
        let deadline = moment::now() + self.connect_time;
        let mut last = SendFailure::Timeout { phase: Phase::Connect };
        for (index, address) in addresses.iter().enumerate() {
            let now = moment::now();
            let is_last = index + 1 == addresses.len();
            let until = if is_last { deadline } else { now + (deadline - now) / 2 };
            match timeout_at(until, dial(*address)).await {
                Ok(Ok(stream)) => {
                    self.check_ends(&stream, *address)?;
                    return Ok(stream);
                }
                Ok(Err(error)) if is_our_trouble(&error, *address) => {
                    return Err(SendFailure::Local { error });
                }
                Ok(Err(error)) => last = SendFailure::Connect { address: *address, error },
                Err(_) => last = SendFailure::Timeout { phase: Phase::Connect },
            }
        }
        Err(last)
    }

    /// Looks at where the connection really ended: at the vetted address, and not on this machine
    /// by a way that the list of interfaces did not know.
    fn check_ends(&self, stream: &TcpStream, dialled: SocketAddr) -> Result<(), SendFailure> {
        let broken = |error: io::Error| SendFailure::Connect { address: dialled, error };
        let peer = stream.peer_addr().map_err(broken)?;
        let local = stream.local_addr().map_err(broken)?;
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        permitted(peer, &self.profile)?;
        let is_here = local.ip().to_canonical() == peer.ip();
        if is_here && !self.profile.opens(peer.ip()) {
            let section = self.profile.section;
            return Err(Denied::OwnInterface { address: peer, section }.into());
        }
        if is_here && local.port() == peer.port() {
            return Err(Denied::OwnSocket { address: peer }.into());
        }
        stream.set_nodelay(true).map_err(broken)
    }
}

/// The one place of the product that opens a connection to the outside.
#[expect(clippy::disallowed_methods, reason = "the address was judged by `permitted` just before")]
async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}

/// No file descriptor, no memory, no free port: nothing that the endpoint did. For IPv6 "address
/// not available" means that this machine has no IPv6, so another address may still do.
fn is_our_trouble(error: &io::Error, address: SocketAddr) -> bool {
    use rustix::io::Errno;
    let is = |errno: Errno| error.raw_os_error() == Some(errno.raw_os_error());
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM].into_iter().any(is)
        || (is(Errno::ADDRNOTAVAIL) && address.is_ipv4())
}

/// The bytes' way: plain, or through TLS.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
