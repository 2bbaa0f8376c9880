//! The two signatures of a request: `X-Signature` and those of Standard Webhooks 1.0.

use crate::{
    ids::DeliveryId,
    secret::Secret,
    time::{Elapsed, Wall},
};

/// A key that is open and can sign.
#[derive(Clone, Debug)]
pub struct OpenKey {
    /// The bytes.
    pub secret: Secret,
    /// The end of its overlap with the key after it; `None` for the newest.
    pub expires_at: Option<Elapsed>,
}

/// The headers that say who sent a body. The name stands first, in lower case.
pub type SignatureHeaders = Vec<(&'static str, String)>;

/// Signs a body with every key that is valid. `X-Signature` has room for one and stays with the
/// oldest, so that a receiver which does not know the new key yet goes on verifying. Without keys
/// only the id and the time are told.
#[must_use]
pub fn sign(
    keys: &[OpenKey],
    id: DeliveryId,
    wall: Wall,
    now: Elapsed,
    body: &[u8],
) -> SignatureHeaders {
    let id = id.to_string();
    let timestamp = wall.unix_seconds();
    let valid: Vec<&Secret> = keys
        .iter()
        .filter(|key| key.expires_at.is_none_or(|expires_at| now < expires_at))
        .map(|key| &key.secret)
        .collect();
    let mut headers: SignatureHeaders = Vec::with_capacity(4);
    if let Some(oldest) = valid.first() {
        headers.push(("x-signature", tidings_verify::sign_sha1(oldest.expose(), body)));
    }
    if !valid.is_empty() {
        let signatures: Vec<String> = valid
            .iter()
            .map(|key| tidings_verify::sign_standard(key.expose(), &id, timestamp, body))
            .collect();
        headers.push(("webhook-signature", signatures.join(" ")));
    }
    headers.push(("webhook-id", id));
    headers.push(("webhook-timestamp", timestamp.to_string()));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EventId, WebhookId};

    fn key(bytes: &[u8], expires_at: Option<u64>) -> OpenKey {
        OpenKey { secret: Secret::new(bytes.to_vec()), expires_at: expires_at.map(Elapsed) }
    }

    fn signed(keys: &[OpenKey], now: u64) -> SignatureHeaders {
        let id = DeliveryId::new(EventId::from_bytes([0; 16]), WebhookId(1), 0);
        sign(keys, id, Wall(1_613_551_727_284), Elapsed(now), b"{}")
    }

    fn value(headers: &SignatureHeaders, name: &str) -> Option<String> {
        headers.iter().find(|header| header.0 == name).map(|header| header.1.clone())
    }

    #[test]
    fn while_a_key_is_rotated_both_sign_and_the_old_one_has_the_single_header() {
        let (old, new) = (key(b"old-shared-key", Some(100)), key(b"new-shared-key", None));
        let alone = signed(std::slice::from_ref(&new), 0);
        let both = signed(&[old.clone(), new.clone()], 99);
        let after = signed(&[old, new], 100);
        assert_eq!(value(&both, "webhook-signature").unwrap().split(' ').count(), 2);
        assert_eq!(
            value(&both, "x-signature"),
            Some(tidings_verify::sign_sha1(b"old-shared-key", b"{}"))
        );
        assert_eq!(after, alone);
    }

    #[test]
    fn an_unsigned_webhook_tells_its_id_and_time() {
        let headers = signed(&[], 0);
        assert_eq!(value(&headers, "webhook-timestamp").unwrap(), "1613551727");
        assert_eq!(headers.len(), 2);
    }
}
