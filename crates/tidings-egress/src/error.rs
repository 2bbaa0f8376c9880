//! Why a call failed, for the operator's log and, told apart less finely, for the subscriber.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::policy::Denied;

/// Why the way out cannot be opened at start.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// `delivery.ca_file` cannot be used.
    #[error("delivery.ca_file {}: {why}: name a PEM file of CA certificates", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// `delivery.resolver` cannot be used.
    #[error("delivery.resolver {address}: {why}: name the address of a DNS server")]
    Resolver {
        /// The configured server.
        address: SocketAddr,
        /// What is wrong with it.
        why: String,
    },
    /// The cryptography cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Where a call was when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Asking for the host's addresses.
    Lookup,
    /// Opening the connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Sending the request and waiting for the end of the answer's header block.
    Answer,
}

/// Why there is no answer. `Display` is for the operator's log and names addresses; subscribers
/// get [`SendFailure::public_text`].
#[derive(Debug, thiserror::Error)]
pub enum SendFailure {
    /// The policy forbids the address, or one of the addresses of the name.
    #[error("not permitted: {0}")]
    Denied(#[from] Denied),
    /// The name has no addresses, or they could not be found out.
    #[error("the host's address could not be looked up: {why}")]
    Dns {
        /// What the resolver said.
        why: String,
    },
    /// No address of the host accepted a connection.
    #[error("no connection to {address}: {error}")]
    Connect {
        /// The address tried last.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The TLS handshake failed.
    #[error("TLS: {why}")]
    Tls {
        /// What is wrong, without addresses.
        why: String,
    },
    /// The time was over.
    #[error("timeout {phase}")]
    Timeout {
        /// Where the call was.
        phase: Phase,
    },
    /// The connection ended before the answer's header block did.
    #[error("the connection broke before the answer was complete: {why}")]
    Broken {
        /// What happened.
        why: String,
    },
    /// What came back is not an HTTP/1.1 answer within its bounds.
    #[error("the answer is not valid HTTP/1.1: {why}")]
    NotHttp {
        /// What is wrong.
        why: String,
    },
    /// This process could not open a socket. Says nothing about the endpoint, which should not
    /// be charged with it.
    #[error(
        "this machine cannot open a connection: {error}: raise the limit of open files, or \
             lower the number of connections"
    )]
    Local {
        /// What the system said.
        error: io::Error,
    },
}

/// The kinds of failure, as recorded with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// [`SendFailure::Denied`].
    Denied,
    /// [`SendFailure::Dns`].
    Dns,
    /// [`SendFailure::Connect`], and a timeout while connecting.
    Connect,
    /// [`SendFailure::Tls`].
    Tls,
    /// [`SendFailure::Timeout`] once connected.
    Timeout,
    /// [`SendFailure::Broken`].
    Broken,
    /// [`SendFailure::NotHttp`].
    NotHttp,
    /// [`SendFailure::Local`].
    Local,
}

impl FailureClass {
    /// The class as a word, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureClass::Denied => "denied",
            FailureClass::Dns => "dns",
            FailureClass::Connect => "connect",
            FailureClass::Tls => "tls",
            FailureClass::Timeout => "timeout",
            FailureClass::Broken => "broken",
            FailureClass::NotHttp => "not_http",
            FailureClass::Local => "local",
        }
    }
}

/// The one text for everything that happens before a connection stands. Telling a closed port
/// from a filtered one, or a forbidden name from one that does not exist, would let a subscriber
/// map the network behind us.
const COULD_NOT_CONNECT: &str = "could not connect: check that the host name resolves to public \
                                 addresses and that the port accepts connections";

impl SendFailure {
    /// The class for the operator: log, metrics, breaker.
    pub fn class(&self) -> FailureClass {
        match self {
            SendFailure::Denied(_) => FailureClass::Denied,
            SendFailure::Dns { .. } | SendFailure::Timeout { phase: Phase::Lookup } => {
                FailureClass::Dns
            }
            SendFailure::Connect { .. } | SendFailure::Timeout { phase: Phase::Connect } => {
                FailureClass::Connect
            }
            SendFailure::Tls { .. } => FailureClass::Tls,
            SendFailure::Timeout { phase: Phase::Tls | Phase::Answer } => FailureClass::Timeout,
            SendFailure::Broken { .. } => FailureClass::Broken,
            SendFailure::NotHttp { .. } => FailureClass::NotHttp,
            SendFailure::Local { .. } => FailureClass::Local,
        }
    }

    /// The class for the subscriber: denied, not found, closed and filtered are all `Connect`.
    pub fn public_class(&self) -> FailureClass {
        match self.class() {
            FailureClass::Denied | FailureClass::Dns => FailureClass::Connect,
            class => class,
        }
    }

    /// One line for the subscriber, without addresses.
    pub fn public_text(&self) -> String {
        match self {
            SendFailure::Timeout { phase: Phase::Lookup | Phase::Connect } => {
                COULD_NOT_CONNECT.to_owned()
            }
            SendFailure::Tls { why } => format!("TLS failed: {why}"),
            SendFailure::Timeout { phase } => format!("timed out {phase}"),
            SendFailure::Broken { .. } => {
                "the connection was closed before the answer was complete".to_owned()
            }
            SendFailure::NotHttp { why } => format!("the answer is not valid HTTP/1.1: {why}"),
            SendFailure::Local { .. } => "not sent: a trouble of the sending machine".to_owned(),
            SendFailure::Denied(_) | SendFailure::Dns { .. } | SendFailure::Connect { .. } => {
                COULD_NOT_CONNECT.to_owned()
            }
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Phase::Lookup => "while looking up the host",
            Phase::Connect => "while connecting",
            Phase::Tls => "during the TLS handshake",
            Phase::Answer => "while waiting for the answer",
        })
    }
}
