//! A URL that may be called, taken apart once.
//!
//! ```text
//!   text ─► size, characters ─► URL ─► scheme ─► no credentials, no fragment ─► host ─► Target
//!                                                          a name: table of internal names ┤
//!                                                          an address: `permitted` ────────┘
//! ```
//!
//! Nothing is resolved and nothing connected here, so this runs when a webhook is saved as well as
//! when it is called.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use rustls_pki_types::ServerName;
use url::{Host, Url};

use crate::policy::{Denied, Profile, Section, permitted};

/// `https` or, where the operator permits it, `http`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// TLS, verified.
    Https,
    /// Plain text.
    Http,
}

/// A parsed URL that the policy does not forbid. Shown, it hides path and query, in which people
/// put secrets. Cloning is cheap.
#[derive(Clone)]
pub struct Target {
    scheme: Scheme,
    host: Host<Arc<str>>,
    host_text: Arc<str>,
    port: u16,
    origin: Arc<str>,
    host_header: HeaderValue,
    uri: Uri,
    server_name: ServerName<'static>,
}

/// Why a URL cannot be called. One line for the person who typed it, with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// More than [`Target::BYTES_MAX`].
    #[error("the URL has {bytes} bytes: at most 2,048 are permitted")]
    TooLong {
        /// The URL's length in bytes.
        bytes: usize,
    },
    /// Space, line break or another control character.
    #[error("the URL contains a space or control character: percent-encode it")]
    ControlCharacter,
    /// Not a URL with a host.
    #[error("this is not an absolute URL ({why}): write it like https://example.com/hook")]
    NotUrl {
        /// What the parser said.
        why: String,
    },
    /// Another scheme than `https` (and `http` where permitted).
    #[error("the scheme `{scheme}` cannot be called: use https")]
    Scheme {
        /// The URL's scheme.
        scheme: String,
    },
    /// `http` where it is not permitted.
    #[error("http is not permitted: use https, or have the operator set {section}.allow_http")]
    HttpNotAllowed {
        /// Where it can be permitted.
        section: Section,
    },
    /// `user:password@`.
    #[error("the URL contains a user name or password: leave it out, requests are signed")]
    UserInfo,
    /// `#fragment`.
    #[error("the URL contains a fragment, which is never sent: remove the part from `#` on")]
    Fragment,
    /// A name that can be neither looked up nor verified.
    #[error("the host is not a valid domain name: check its labels (63 bytes each, 253 in all)")]
    Host,
    /// A name that always means the machine itself or a metadata service.
    #[error(
        "the host {name} is internal and cannot be called: use a public host, or have the \
         operator open its address in {section}.allow_addresses"
    )]
    NameDenied {
        /// The host.
        name: String,
        /// Where it can be opened.
        section: Section,
    },
    /// Port 0.
    #[error("port 0 cannot be reached: name another port, or leave it out")]
    PortZero,
    /// An address literal that the policy forbids; which rule it was is for the log alone.
    #[error(
        "the address cannot be called: use a public host, or have the operator open the address \
         in {section}.allow_addresses"
    )]
    AddressDenied {
        /// Which rule it was.
        #[source]
        rule: Denied,
        /// Where it can be opened.
        section: Section,
    },
}

impl Target {
    /// The longest URL, in bytes.
    pub const BYTES_MAX: usize = 2048;

    /// Parses a URL and checks all that can be checked without looking anything up.
    pub fn parse(text: &str, profile: &Profile) -> Result<Target, TargetError> {
        if text.len() > Target::BYTES_MAX {
            return Err(TargetError::TooLong { bytes: text.len() });
        }
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(TargetError::ControlCharacter);
        }
        let url =
            Url::parse(text).map_err(|error| TargetError::NotUrl { why: error.to_string() })?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" if profile.allow_http => Scheme::Http,
            "http" => {
                return Err(TargetError::HttpNotAllowed { section: profile.section });
            }
            other => {
                let scheme = other.chars().take(32).collect();
                return Err(TargetError::Scheme { scheme });
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let host = checked_host(&url, scheme, profile)?;
        Target::assemble(&url, scheme, host)
    }

    fn assemble(url: &Url, scheme: Scheme, host: Host<Arc<str>>) -> Result<Target, TargetError> {
        let host_text: Arc<str> = match &host {
            Host::Domain(name) => Arc::clone(name),
            Host::Ipv4(v4) => v4.to_string().into(),
            Host::Ipv6(v6) => format!("[{v6}]").into(),
        };
        let server_name = match &host {
            Host::Domain(name) => {
                ServerName::try_from(name.as_ref()).map_err(|_| TargetError::Host)?.to_owned()
            }
            Host::Ipv4(v4) => ServerName::from(IpAddr::V4(*v4)),
            Host::Ipv6(v6) => ServerName::from(IpAddr::V6(*v6)),
        };
        let port = url.port().unwrap_or(scheme.default_port());
        let authority = match url.port() {
            Some(port) => format!("{host_text}:{port}"),
            None => host_text.to_string(),
        };
        let not_url = |why: &str| TargetError::NotUrl { why: why.to_owned() };
        let path_and_query = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let path_and_query = PathAndQuery::try_from(path_and_query)
            .map_err(|_| not_url("the path or query holds a character to percent-encode"))?;
        let host_header =
            HeaderValue::try_from(authority).map_err(|_| not_url("the host is malformed"))?;
        Ok(Target {
            scheme,
            origin: format!("{}://{host_text}:{port}", scheme.as_str()).into(),
            host,
            host_text,
            port,
            host_header,
            uri: Uri::from(path_and_query),
            server_name,
        })
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host as it is written in a URL: lower case, punycode, IPv6 in brackets.
    pub fn host_text(&self) -> &str {
        &self.host_text
    }

    /// The port, explicit or the scheme's.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Scheme, host and port: what requests have in common that may share a connection.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The `Host` header: the host, and the port where it is not the scheme's.
    pub fn authority(&self) -> &str {
        self.host_header.to_str().unwrap_or_default()
    }

    pub(crate) fn host(&self) -> &Host<Arc<str>> {
        &self.host
    }

    pub(crate) fn origin_key(&self) -> &Arc<str> {
        &self.origin
    }

    pub(crate) fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn server_name(&self) -> &ServerName<'static> {
        &self.server_name
    }
}

impl Scheme {
    /// As it is written in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Https => "https",
            Scheme::Http => "http",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Scheme::Https => 443,
            Scheme::Http => 80,
        }
    }
}

fn checked_host(
    url: &Url,
    scheme: Scheme,
    profile: &Profile,
) -> Result<Host<Arc<str>>, TargetError> {
    let port = url.port().unwrap_or(scheme.default_port());
    let check = |ip: IpAddr| {
        permitted(SocketAddr::new(ip, port), profile)
            .map_err(|rule| TargetError::AddressDenied { rule, section: profile.section })
    };
    match url.host() {
        None => Err(TargetError::NotUrl { why: "it has no host".to_owned() }),
        Some(Host::Ipv4(v4)) => check(IpAddr::V4(v4)).map(|()| Host::Ipv4(v4)),
        Some(Host::Ipv6(v6)) => check(IpAddr::V6(v6)).map(|()| Host::Ipv6(v6)),
        Some(Host::Domain(name)) => {
            if port == 0 {
                return Err(TargetError::PortZero);
            }
            // A final dot means the same host, but neither certificates nor SNI know it.
            let name = name.strip_suffix('.').unwrap_or(name);
            if is_internal_name(name, profile) {
                let (name, section) = (name.to_owned(), profile.section);
                return Err(TargetError::NameDenied { name, section });
            }
            Ok(Host::Domain(Arc::from(name)))
        }
    }
}

/// Names that are internal wherever they are looked up, with the addresses that they stand for.
/// Such a name is refused unless the operator opened one of its addresses. Any other name is
/// judged by what it resolves to.
fn is_internal_name(name: &str, profile: &Profile) -> bool {
    let is_or_is_below = |zone: &str| {
        name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    INTERNAL_NAMES.iter().any(|(zone, addresses)| {
        is_or_is_below(zone) && !addresses.iter().any(|address| profile.opens(*address))
    })
}

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];
const TENCENT_METADATA: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23))];
const ALIBABA_METADATA: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200))];

const INTERNAL_NAMES: [(&str, &[IpAddr]); 13] = [
    ("localhost", &LOOPBACK),
    ("localhost.localdomain", &LOOPBACK),
    ("localhost6", &LOOPBACK),
    ("localhost6.localdomain6", &LOOPBACK),
    ("ip6-localhost", &LOOPBACK),
    ("ip6-loopback", &LOOPBACK),
    ("metadata", &METADATA),
    ("metadata.google.internal", &METADATA),
    ("metadata.goog", &METADATA),
    ("instance-data", &METADATA),
    ("instance-data.ec2.internal", &METADATA),
    ("metadata.tencentyun.com", &TENCENT_METADATA),
    ("metadata.aliyun.internal", &ALIBABA_METADATA),
];

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}/…", self.scheme.as_str(), self.authority())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Target({self})")
    }
}
