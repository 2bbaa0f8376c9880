//! Secrets at rest: signing keys and header values are kept sealed with the installation's key.
//!
//!   Secret ──seal(nonce, purpose)──► Sealed (what the database sees) ──open(purpose)──► Secret

use std::fmt;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that are never printed and are wiped when they are let go.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes in.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret(bytes)
    }

    /// The bytes, for the one place that uses them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// What may be shown in a secret's stead: the first 8 hex digits of its SHA-256.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// A secret as the database sees it: nonce (24 bytes), ciphertext, tag. Base64 in JSON.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed(Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sealed, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Sealed).map_err(D::Error::custom)
    }
}

/// The installation's key, which seals all other secrets.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    key_id: String,
}

impl Vault {
    /// Bytes of the key.
    pub const KEY_BYTES: usize = 32;
    /// Bytes of the nonce that [`Vault::seal`] wants.
    pub const NONCE_BYTES: usize = 24;

    /// A vault with this key.
    #[must_use]
    pub fn new(key: &[u8; Vault::KEY_BYTES]) -> Vault {
        Vault { cipher: XChaCha20Poly1305::new(key.into()), key_id: fingerprint(key) }
    }

    /// Which key this is, without telling it: kept in the database so that a wrong key is noticed
    /// at the start.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Seals a secret. `nonce` must be random; `purpose` (for example `webhook.key`) must be the
    /// same when it is opened, so that a sealed value cannot be moved to where another belongs.
    #[must_use]
    pub fn seal(&self, secret: &Secret, nonce: [u8; Vault::NONCE_BYTES], purpose: &str) -> Sealed {
        let message = Payload { msg: secret.expose(), aad: purpose.as_bytes() };
        let ciphertext = self
            .cipher
            .encrypt(&XNonce::from(nonce), message)
            .expect("a secret is far smaller than the cipher's bound of 256 GiB");
        let mut sealed = nonce.to_vec();
        sealed.extend_from_slice(&ciphertext);
        Sealed(sealed)
    }

    /// Opens what [`Vault::seal`] sealed for the same purpose.
    ///
    /// # Errors
    /// [`VaultError`] when it was sealed with another key or for another purpose, or was changed.
    pub fn open(&self, sealed: &Sealed, purpose: &str) -> Result<Secret, VaultError> {
        let wrong = || VaultError { key_id: self.key_id.clone() };
        let (nonce, ciphertext) =
            sealed.0.split_at_checked(Vault::NONCE_BYTES).ok_or_else(wrong)?;
        let nonce = <[u8; Vault::NONCE_BYTES]>::try_from(nonce).map_err(|_| wrong())?;
        let message = Payload { msg: ciphertext, aad: purpose.as_bytes() };
        self.cipher.decrypt(&XNonce::from(nonce), message).map(Secret).map_err(|_| wrong())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.key_id)
    }
}

/// A secret that this installation's key does not open.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a stored secret does not open with the key {key_id}: \
     start with the key that it was sealed with"
)]
pub struct VaultError {
    /// The key that was tried.
    pub key_id: String,
}

/// What a token's text begins with, so that scanners for leaked secrets know it.
const TOKEN_PREFIX: &str = "tidings_";

/// The text of a new token, made of bytes by chance.
#[must_use]
pub fn token_text(random: [u8; 32]) -> String {
    format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random))
}

/// What a bearer token is stored as: the SHA-256 of its text. Tokens are long and random, so that
/// no salt is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token's text.
    #[must_use]
    pub fn of(token: &str) -> TokenHash {
        TokenHash(Sha256::digest(token.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_with_its_key_and_purpose_alone() {
        let vault = Vault::new(&[1; 32]);
        let secret = Secret::new(b"sharedSecret".to_vec());
        let sealed = vault.seal(&secret, [9; 24], "webhook.key");
        assert_eq!(vault.open(&sealed, "webhook.key"), Ok(secret));
        assert!(vault.open(&sealed, "webhook.header").is_err());
        assert!(Vault::new(&[2; 32]).open(&sealed, "webhook.key").is_err());
        assert!(vault.open(&Sealed(vec![0; 3]), "webhook.key").is_err());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new(b"canary".to_vec());
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.fingerprint().len(), 8);
    }
}
