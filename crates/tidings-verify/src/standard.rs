//! The Standard Webhooks 1.0 headers: HMAC-SHA256 over `id.timestamp.body`.
//!
//!   headers ─► well-formed? ─► within five minutes? ─► does one entry fit one key?

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::{Key, Rejection};

/// How far a request's timestamp may lie from the receiver's clock, either way.
pub const TOLERANCE_SECONDS: u64 = 300;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

const VERSION_PREFIX: &str = "v1,";
const DIGEST_BYTES: usize = 32;
const DIGEST_BASE64_BYTES: usize = 44;
const ID_BYTES_MAX: usize = 256;
const TIMESTAMP_DIGITS_MAX: usize = 12;
const SIGNATURE_BYTES_MAX: usize = 4_096;

/// The three headers, as they arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardHeaders<'a> {
    /// `webhook-id`: the delivery's id, the same on every attempt. Remember it to recognise a
    /// delivery that arrives twice.
    pub id: &'a str,
    /// `webhook-timestamp`: when this attempt was signed, in Unix seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`: one `v1,<base64>` for each valid key, separated by spaces.
    pub signature: &'a str,
}

impl<'a> StandardHeaders<'a> {
    /// Collects the headers from any HTTP library: `lookup` gets each name in lower case.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use tidings_verify::{Rejection, StandardHeaders};
    ///
    /// let request = HashMap::from([("webhook-id", "msg_1"), ("webhook-timestamp", "1613551727")]);
    /// let headers = StandardHeaders::read(|name| request.get(name).copied());
    /// assert_eq!(headers, Err(Rejection::Missing { name: "webhook-signature" }));
    /// ```
    ///
    /// # Errors
    /// When one of them is missing.
    pub fn read(lookup: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Rejection> {
        let find = |name: &'static str| lookup(name).ok_or(Rejection::Missing { name });
        Ok(Self { id: find(ID)?, timestamp: find(TIMESTAMP)?, signature: find(SIGNATURE)? })
    }
}

/// One entry of `webhook-signature`: `v1,` and base64. `timestamp` is in Unix seconds.
///
/// The parts are joined with `.`, so an id that holds one would be ambiguous: receivers refuse it.
#[must_use]
pub fn sign_standard(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let digest = digest(key, id, &timestamp.to_string(), body);
    format!("{VERSION_PREFIX}{}", STANDARD.encode(digest))
}

/// Checks the headers against the body's bytes as they arrived. `now` is the receiver's clock in
/// Unix seconds. One entry that fits one key is enough; entries of other versions are passed over.
///
/// ```
/// use tidings_verify::{Key, Rejection, StandardHeaders, sign_standard, verify_standard};
///
/// let keys = [Key::parse("my-shared-key-for-tests")?];
/// let signature = sign_standard(keys[0].as_bytes(), "msg_1", 1_613_551_727, b"{}");
/// let headers = StandardHeaders { id: "msg_1", timestamp: "1613551727", signature: &signature };
///
/// assert_eq!(verify_standard(&keys, &headers, b"{}", 1_613_551_730), Ok(()));
/// assert_eq!(
///     verify_standard(&keys, &headers, b"{}", 1_613_552_087),
///     Err(Rejection::TooOld { seconds: 360 }),
/// );
/// # Ok::<(), tidings_verify::KeyError>(())
/// ```
///
/// # Errors
/// When there is no key, a header is malformed, the timestamp is more than
/// [`TOLERANCE_SECONDS`] away from `now`, or no entry fits any key.
pub fn verify_standard(
    keys: &[Key],
    headers: &StandardHeaders<'_>,
    body: &[u8],
    now: i64,
) -> Result<(), Rejection> {
    if keys.is_empty() {
        return Err(Rejection::NoKey);
    }
    check_id(headers.id)?;
    check_age(parse_timestamp(headers.timestamp)?, now)?;
    let given = parse_entries(headers.signature)?;
    let mut fits = Choice::from(0);
    for key in keys {
        let expected = digest(key.as_bytes(), headers.id, headers.timestamp, body);
        for entry in &given {
            fits |= expected.ct_eq(entry);
        }
    }
    if fits.into() { Ok(()) } else { Err(Rejection::Mismatch { name: SIGNATURE }) }
}

fn digest(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn check_id(id: &str) -> Result<(), Rejection> {
    if id.is_empty() || id.len() > ID_BYTES_MAX || id.contains('.') {
        let wanted = "expected 1 to 256 bytes without a `.`";
        return Err(Rejection::Malformed { name: ID, wanted });
    }
    Ok(())
}

// Digits alone: `parse` would also take a sign. Twelve of them last for thirty thousand years.
fn parse_timestamp(text: &str) -> Result<i64, Rejection> {
    let is_short = text.len() <= TIMESTAMP_DIGITS_MAX;
    let digits = Some(text).filter(|text| is_short && text.bytes().all(|b| b.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(Rejection::Malformed {
        name: TIMESTAMP,
        wanted: "expected Unix seconds, digits alone",
    })
}

fn check_age(signed_at: i64, now: i64) -> Result<(), Rejection> {
    let seconds = signed_at.abs_diff(now);
    match seconds > TOLERANCE_SECONDS {
        true if signed_at < now => Err(Rejection::TooOld { seconds }),
        true => Err(Rejection::TooNew { seconds }),
        false => Ok(()),
    }
}

fn parse_entries(header: &str) -> Result<Vec<[u8; DIGEST_BYTES]>, Rejection> {
    let entries: Vec<_> = match header.len() <= SIGNATURE_BYTES_MAX {
        true => header.split(' ').filter_map(parse_entry).collect(),
        false => Vec::new(),
    };
    if entries.is_empty() {
        let wanted = "expected `v1,` and the base64 of 32 bytes, once or more, between spaces";
        return Err(Rejection::Malformed { name: SIGNATURE, wanted });
    }
    Ok(entries)
}

// Only a whole digest is ever compared. A shorter one is no entry, it is not a prefix that fits.
fn parse_entry(entry: &str) -> Option<[u8; DIGEST_BYTES]> {
    let encoded = entry.strip_prefix(VERSION_PREFIX)?;
    if encoded.len() != DIGEST_BASE64_BYTES {
        return None;
    }
    STANDARD.decode(encoded).ok()?.try_into().ok()
}
