//! The only way out of the product: every outgoing connection is parsed, resolved, judged, dialled
//! and read here.
//!
//! ```text
//!   text ─► target (URL) ─► pool ──────── an idle connection ────────┐
//!                            └─ none ─► resolve ─► policy ─► connect ─┴─► exchange ─► Answer
//! ```
//!
//! The decision whether an address may be reached is made in one function, [`permitted`], on the
//! socket address that is about to be dialled. Redirects are never followed, proxies from the
//! environment never asked, bodies never decompressed, and nothing that an endpoint answers (or
//! does not) outlasts the time it was given.

mod network;
mod own;

mod policy;

mod error;
mod moment;
mod target;

mod resolve;
mod tls;

mod connect;

mod pool;

mod exchange;

pub use error::{EgressError, FailureClass, Phase, SendFailure};
pub use exchange::{Answer, Egress, EgressOptions, OpenAnswer, Outgoing, SendLimits};
pub use network::{Network, NetworkError};
pub use own::OwnAddresses;
pub use policy::{Denied, Profile, Section, permitted};
pub use target::{Scheme, Target, TargetError};
