//! The SHA-256 of some bytes: what they are called on the shelf.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

/// A SHA-256, in 64 digits of 0-9 and a-f.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// That of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(Sha256::digest(bytes).into())
    }

    /// Its first byte, by which the shelf is gone through.
    pub(crate) fn first(self) -> u8 {
        self.0[0]
    }

    pub(super) fn finish(hash: Sha256) -> ContentHash {
        ContentHash(hash.finalize().into())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// A text that is no SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("write a SHA-256 as 64 digits of 0-9 and a-f")]
pub struct ContentHashError;

impl FromStr for ContentHash {
    type Err = ContentHashError;

    fn from_str(text: &str) -> Result<ContentHash, ContentHashError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return Err(ContentHashError);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => *byte = high << 4 | low,
                _ => return Err(ContentHashError),
            }
        }
        Ok(ContentHash(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_spelling() {
        let text = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        assert_eq!(ContentHash::of(b"test").to_string(), text);
        assert_eq!(text.parse(), Ok(ContentHash::of(b"test")));
        let upper = text.to_uppercase();
        let other = format!("../{}", &text[3..]);
        for text in ["", &text[1..], &format!("{text}0"), &upper, &other, &"é".repeat(32)] {
            assert_eq!(text.parse::<ContentHash>(), Err(ContentHashError), "{text}");
        }
    }
}
