//! The shared key: what both sides know, and nobody else.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT};

const PREFIX: &str = "whsec_";

/// The bytes that sign and verify, the same for both kinds of header.
///
/// There is no `PartialEq`, which would compare in a time that depends on the bytes, and `Debug`
/// shows the length alone.
#[derive(Clone)]
pub struct Key(Vec<u8>);

/// Why a text or bytes cannot be a key. Never holds the key itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Too few bytes.
    #[error("the key has {actual} bytes, at least {} are needed: use a longer one", Key::BYTES_MIN)]
    TooShort {
        /// How many there are, after decoding.
        actual: usize,
    },
    /// Too many bytes.
    #[error("the key has {actual} bytes, at most {} are allowed: shorten it", Key::BYTES_MAX)]
    TooLong {
        /// How many there are, after decoding.
        actual: usize,
    },
    /// It starts with `whsec_`, which promises base64, but the rest is not.
    #[error(
        "what follows `whsec_` is not base64: copy the key whole, or leave `whsec_` away for a \
         key that is taken as it is"
    )]
    NotBase64,
}

impl Key {
    /// The fewest bytes that a key may have.
    pub const BYTES_MIN: usize = 12;
    /// The most bytes that a key may have.
    pub const BYTES_MAX: usize = 256;
    /// A key below this many bytes works, but deserves a warning.
    pub const BYTES_RECOMMENDED: usize = 24;

    /// Reads a key as people write it: `whsec_` and base64 (with or without padding) is decoded,
    /// any other text stands for its own bytes.
    ///
    /// ```
    /// use tidings_verify::Key;
    ///
    /// assert_eq!(Key::parse("correct horse battery staple")?.as_bytes().len(), 28);
    /// assert_eq!(Key::parse("whsec_MDEyMzQ1Njc4OWFi")?.as_bytes(), b"0123456789ab");
    /// assert!(Key::parse("too short").is_err());
    /// # Ok::<(), tidings_verify::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// When the bytes are fewer than 12 or more than 256, or `whsec_` is followed by something
    /// other than base64.
    pub fn parse(text: &str) -> Result<Key, KeyError> {
        let Some(encoded) = text.strip_prefix(PREFIX) else {
            return Key::from_bytes(text.as_bytes().to_vec());
        };
        // Four characters hold three bytes: a text far too long is refused before it is decoded.
        let bytes_most = encoded.len() / 4 * 3;
        if bytes_most > Key::BYTES_MAX + 3 {
            return Err(KeyError::TooLong { actual: bytes_most });
        }
        let decoded =
            STANDARD_PAD_INDIFFERENT.decode(encoded).map_err(|_error| KeyError::NotBase64)?;
        Key::from_bytes(decoded)
    }

    /// Takes the bytes themselves.
    ///
    /// # Errors
    /// When they are fewer than 12 or more than 256.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Key, KeyError> {
        match bytes.len() {
            actual if actual < Key::BYTES_MIN => Err(KeyError::TooShort { actual }),
            actual if actual > Key::BYTES_MAX => Err(KeyError::TooLong { actual }),
            _ => Ok(Key(bytes)),
        }
    }

    /// The bytes that sign.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, handed over without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// `whsec_` and base64: the form that every Standard Webhooks library takes. [`Key::parse`]
    /// gives the same key back.
    #[must_use]
    pub fn to_whsec(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({} bytes)", self.0.len())
    }
}
