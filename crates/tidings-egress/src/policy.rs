//! May this address be reached? The one place that decides.
//!
//! ```text
//!   port 0 ─► no        one of our sockets ─► no       opened by the operator ─► yes
//!   a range that is not the public internet ─► no      an interface of ours ─► no      else ─► yes
//! ```
//!
//! Whole IPv6 transition prefixes are closed instead of looking inside them: what a gateway makes
//! of an address cannot be known here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::network::Network;
use crate::own::OwnAddresses;

/// The part of the configuration that opens what is closed, for those who are told the remedy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Section {
    /// `[delivery]`: what webhooks reach.
    #[default]
    Delivery,
    /// `[platform]`: where providers' adapters are.
    Platform,
}

impl fmt::Display for Section {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Section::Delivery => "delivery",
            Section::Platform => "platform",
        })
    }
}

/// What one kind of outgoing traffic may reach: deliveries have one profile, sources another.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Where the operator wrote what follows.
    pub section: Section,
    /// `http` URLs are permitted beside `https`.
    pub allow_http: bool,
    /// Ranges opened on purpose; each opens exactly its own addresses.
    pub allow_addresses: Vec<Network>,
    /// This server itself.
    pub own: OwnAddresses,
}

impl Profile {
    /// Whether the operator opened a range that contains the address.
    pub(crate) fn opens(&self, ip: IpAddr) -> bool {
        self.allow_addresses.iter().any(|network| network.contains(ip))
    }
}

/// Why an address, or a URL, must not be reached. The text is for the operator's log: it names
/// addresses. A subscriber gets [`crate::SendFailure::public_text`] or a [`crate::TargetError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Port 0 is no port.
    PortZero,
    /// One of our own listeners, or our database.
    OwnSocket {
        /// What would have been dialled.
        address: SocketAddr,
    },
    /// An address of this machine that the operator did not open.
    OwnInterface {
        /// What would have been dialled.
        address: SocketAddr,
        /// Where it can be opened.
        section: Section,
    },
    /// Not an address of the public internet, and not opened by the operator.
    Range {
        /// What would have been dialled.
        address: SocketAddr,
        /// What the range is for.
        what: &'static str,
        /// Where it can be opened.
        section: Section,
    },
    /// An `http` URL where only `https` is permitted.
    PlainHttp {
        /// Where it can be permitted.
        section: Section,
    },
}

impl fmt::Display for Denied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::PortZero => formatter.write_str("port 0 cannot be reached: name another port"),
            Denied::OwnSocket { address } => write!(
                formatter,
                "{address} is this server's own listener or database, which is never opened"
            ),
            Denied::OwnInterface { address, section } => write!(
                formatter,
                "{address} is an address of this machine: {section}.allow_addresses can open it"
            ),
            Denied::Range { address, what, section } => write!(
                formatter,
                "{address} is closed ({what}): {section}.allow_addresses can open it"
            ),
            Denied::PlainHttp { section } => {
                write!(formatter, "http is not permitted: use https, or set {section}.allow_http")
            }
        }
    }
}

impl std::error::Error for Denied {}

/// Decides whether a socket address may be dialled under a profile.
pub fn permitted(address: SocketAddr, profile: &Profile) -> Result<(), Denied> {
    let ip = address.ip().to_canonical();
    if address.port() == 0 {
        return Err(Denied::PortZero);
    }
    let section = profile.section;
    let is_own = |ip| profile.own.is_socket(ip, address.port());
    if is_own(ip) || embedded_v4(ip).is_some_and(|v4| is_own(IpAddr::V4(v4))) {
        return Err(Denied::OwnSocket { address });
    }
    if profile.opens(ip) {
        return Ok(());
    }
    if let Some(what) = not_public(ip) {
        return Err(Denied::Range { address, what, section });
    }
    if profile.own.is_interface(ip) {
        return Err(Denied::OwnInterface { address, section });
    }
    Ok(())
}

/// The IPv4 address inside a transition address, for those who open such a prefix: our own
/// sockets stay closed behind a translator, too.
fn embedded_v4(ip: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = ip else { return None };
    let segments = v6.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 1, _, _, _, high, low] => Some(join(high, low)),
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(join(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(join(!high, !low)),
        _ => None,
    }
}

/// What the range of an address is for, when it is not an ordinary address of the internet.
fn not_public(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(_) => {
            CLOSED_V4.iter().find(|(network, _)| network.contains(ip)).map(|(_, what)| *what)
        }
        IpAddr::V6(v6) => CLOSED_V6
            .iter()
            .find(|(network, _)| network.contains(ip))
            .map(|(_, what)| *what)
            .or_else(|| (!GLOBAL_V6.contains(ip)).then_some("not global unicast"))
            .or_else(|| is_isatap(v6).then_some("ISATAP")),
    }
}

/// RFC 5214 section 6.1: the interface identifier that carries an IPv4 address, under any prefix.
fn is_isatap(v6: Ipv6Addr) -> bool {
    let segments = v6.segments();
    segments[5] == 0x5efe && matches!(segments[4], 0 | 0x0200)
}

/// IANA special-purpose IPv4 ranges, multicast, and the one metadata service outside of them.
const CLOSED_V4: [(Network, &str); 17] = [
    (Network::v4([0, 0, 0, 0], 8), "this network"),
    (Network::v4([10, 0, 0, 0], 8), "private use"),
    (Network::v4([100, 64, 0, 0], 10), "shared address space, cloud metadata"),
    (Network::v4([127, 0, 0, 0], 8), "loopback"),
    (Network::v4([168, 63, 129, 16], 32), "cloud metadata"),
    (Network::v4([169, 254, 0, 0], 16), "link local, cloud metadata"),
    (Network::v4([172, 16, 0, 0], 12), "private use"),
    (Network::v4([192, 0, 0, 0], 24), "protocol assignments, cloud metadata"),
    (Network::v4([192, 0, 2, 0], 24), "documentation"),
    (Network::v4([192, 52, 193, 0], 24), "multicast relays"),
    (Network::v4([192, 88, 99, 0], 24), "6to4 relays"),
    (Network::v4([192, 168, 0, 0], 16), "private use"),
    (Network::v4([198, 18, 0, 0], 15), "benchmarks"),
    (Network::v4([198, 51, 100, 0], 24), "documentation"),
    (Network::v4([203, 0, 113, 0], 24), "documentation"),
    (Network::v4([224, 0, 0, 0], 4), "multicast"),
    (Network::v4([240, 0, 0, 0], 4), "reserved, broadcast"),
];

/// All of global unicast that is handed out; what lies outside is closed even where no line of
/// [`CLOSED_V6`] names it.
const GLOBAL_V6: Network = Network::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Special IPv6 ranges, inside and outside of global unicast; the first that fits gives the text.
const CLOSED_V6: [(Network, &str); 16] = [
    (Network::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), "NAT64"),
    (Network::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "local NAT64"),
    (Network::v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), "translated IPv4"),
    (Network::v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discard"),
    (Network::v6([0, 0, 0, 0, 0, 0, 0, 0], 8), "loopback, unspecified, IPv4-compatible"),
    (Network::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "Teredo"),
    (Network::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "protocol assignments"),
    (Network::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation"),
    (Network::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "6to4"),
    (Network::v6([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), "retired test network"),
    (Network::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation"),
    (Network::v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), "segment routing"),
    (Network::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "unique local, cloud metadata"),
    (Network::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link local"),
    (Network::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site local"),
    (Network::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
];
