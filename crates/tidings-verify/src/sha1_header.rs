//! `X-Signature: sha1=<40 lower-case hex digits>`: HMAC-SHA1 over the body.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq};

use crate::{Key, Rejection};

const NAME: &str = "x-signature";
const PREFIX: &str = "sha1=";
const DIGEST_BYTES: usize = 20;

/// The value of `X-Signature` for a body: `sha1=` and lower-case hex.
#[must_use]
pub fn sign_sha1(key: &[u8], body: &[u8]) -> String {
    let digest = digest(key, body);
    let mut value = String::with_capacity(PREFIX.len() + 2 * DIGEST_BYTES);
    value.push_str(PREFIX);
    for byte in digest {
        write!(value, "{byte:02x}").expect("writing to a String does not fail");
    }
    value
}

/// Checks the value of `X-Signature` against the body's bytes as they arrived. One fitting key is
/// enough: pass the old and the new one while a key is being rotated.
///
/// ```
/// use tidings_verify::{Key, sign_sha1, verify_sha1};
///
/// let keys = [Key::parse("my-shared-key-for-tests")?];
/// let header = sign_sha1(keys[0].as_bytes(), b"{}");
/// assert_eq!(verify_sha1(&keys, &header, b"{}"), Ok(()));
/// assert!(verify_sha1(&keys, &header, b"{ }").is_err());
/// # Ok::<(), tidings_verify::KeyError>(())
/// ```
///
/// # Errors
/// When there is no key, the value has another form, or no key fits.
pub fn verify_sha1(keys: &[Key], x_signature: &str, body: &[u8]) -> Result<(), Rejection> {
    if keys.is_empty() {
        return Err(Rejection::NoKey);
    }
    let given = parse(x_signature).ok_or(Rejection::Malformed {
        name: NAME,
        wanted: "expected `sha1=` and 40 lower-case hex digits",
    })?;
    let mut fits = Choice::from(0);
    for key in keys {
        fits |= digest(key.as_bytes(), body).ct_eq(&given);
    }
    if fits.into() { Ok(()) } else { Err(Rejection::Mismatch { name: NAME }) }
}

fn digest(key: &[u8], body: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

// Whole and exact, so that what is compared later always has the digest's full length.
fn parse(value: &str) -> Option<[u8; DIGEST_BYTES]> {
    let digits = value.strip_prefix(PREFIX)?.as_bytes();
    if digits.len() != 2 * DIGEST_BYTES {
        return None;
    }
    let mut bytes = [0; DIGEST_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
    }
    Some(bytes)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
