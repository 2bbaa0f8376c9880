//! What a receiver of Tidings webhooks needs: is this request really from them?
//!
//! ```text
//!   X-Signature: sha1=<hex>                  ─► verify_sha1       HMAC-SHA1 over the body
//!   webhook-id, webhook-timestamp,
//!   webhook-signature: v1,<base64> v1,…      ─► verify_standard   HMAC-SHA256 over
//!                                                                 id.timestamp.body
//! ```
//!
//! Either check is enough. The second one also says *when* the request was signed, so that a
//! recorded request cannot be played again later: prefer it.
//!
//! Both work on the bytes of the body exactly as they arrived. Keep them before any JSON library
//! touches them: parsing and printing again gives other bytes, which no signature fits.
//!
//! Nothing here reads a clock, a socket or the environment: the time is passed in.
//!
//! ```
//! use tidings_verify::{Key, StandardHeaders, sign_standard, verify_standard};
//!
//! let keys = [Key::parse("whsec_bXktc2hhcmVkLWtleS1mb3ItdGVzdHM=")?];
//! let (body, now) = (br#"{"data":null}"#, 1_613_551_727);
//!
//! let signature = sign_standard(keys[0].as_bytes(), "msg_1", now, body);
//! let headers = StandardHeaders { id: "msg_1", timestamp: "1613551727", signature: &signature };
//! verify_standard(&keys, &headers, body, now)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod key;
mod sha1_header;
mod standard;

pub use key::{Key, KeyError};
pub use sha1_header::{sign_sha1, verify_sha1};
pub use standard::{StandardHeaders, TOLERANCE_SECONDS, sign_standard, verify_standard};

/// Why a request was refused. The text is for the receiver's log, not for the sender: answer with
/// a bare 401.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The list of keys was empty, so nothing could have been verified.
    #[error("there is no key to verify with: pass the webhook's shared key")]
    NoKey,
    /// A header that the check needs was not on the request.
    #[error("the header `{name}` is missing: the request is unsigned, or a proxy removed it")]
    Missing {
        /// The header's name in lower case.
        name: &'static str,
    },
    /// A header is there, but cannot be what Tidings sends.
    #[error("the header `{name}` is malformed: {wanted}")]
    Malformed {
        /// The header's name in lower case.
        name: &'static str,
        /// The form that it must have.
        wanted: &'static str,
    },
    /// The request was signed too long ago.
    #[error(
        "signed {seconds} s ago, {TOLERANCE_SECONDS} s are allowed: an old request played again, \
         or this machine's clock is fast"
    )]
    TooOld {
        /// How long ago, by the receiver's clock.
        seconds: u64,
    },
    /// The request claims to be signed in the future.
    #[error(
        "signed {seconds} s in the future, {TOLERANCE_SECONDS} s are allowed: this machine's \
         clock is slow"
    )]
    TooNew {
        /// How far ahead of the receiver's clock.
        seconds: u64,
    },
    /// No key gives this signature for this body.
    #[error(
        "the signature in `{name}` fits none of the keys: verify the body's bytes as they \
         arrived, before any parsing, with the webhook's present key"
    )]
    Mismatch {
        /// The header's name in lower case.
        name: &'static str,
    },
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
