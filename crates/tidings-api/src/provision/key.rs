//! The shared key of a webhook.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use tidings_core::{
    limits::{KEY_BYTES_ADVISED, KEY_BYTES_MAX, KEY_BYTES_MIN},
    secret::Secret,
};

/// What a key for the libraries of Standard Webhooks begins with.
const PREFIX: &str = "whsec_";

/// A key at the one moment at which it may be shown.
#[derive(Clone, Debug)]
pub struct ShownKey {
    secret: Secret,
    made: bool,
}

impl ShownKey {
    /// A key of 43 characters that everyone can copy, made of 32 random bytes.
    pub(crate) fn made(random: [u8; 32]) -> ShownKey {
        let text = URL_SAFE_NO_PAD.encode(random);
        ShownKey { secret: Secret::new(text.into_bytes()), made: true }
    }

    /// Its bytes.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The key itself, where it was made here; one that was given is known to who gave it.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(self.secret.expose()).into_owned();
        self.made.then_some(text)
    }

    /// What should be changed about it.
    pub(crate) fn warning(&self) -> Option<String> {
        warning(&self.secret)
    }
}

/// What should be changed about a key.
pub(super) fn warning(secret: &Secret) -> Option<String> {
    let bytes = secret.expose().len();
    (bytes < KEY_BYTES_ADVISED).then(|| {
        format!(
            "the key has {bytes} bytes: {KEY_BYTES_ADVISED} or more are advised, or leave \
             it out and have one made"
        )
    })
}

/// The key as the libraries of Standard Webhooks take it.
#[must_use]
pub fn shown_secret(secret: &Secret) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret.expose()))
}

/// A key that its owner chose.
pub(super) fn given(text: &str) -> Result<ShownKey, String> {
    let bytes = match text.strip_prefix(PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).map_err(|_| {
            format!("after `{PREFIX}` comes standard base64 with its padding: copy it whole")
        })?,
        None => text.as_bytes().to_vec(),
    };
    if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&bytes.len()) {
        return Err(format!(
            "the key has {} bytes: write {KEY_BYTES_MIN} to {KEY_BYTES_MAX}, or leave it out and \
             have one made",
            bytes.len()
        ));
    }
    Ok(ShownKey { secret: Secret::new(bytes), made: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&[u8]>) {
        let given = given(text);
        assert_eq!(
            given.ok().map(|key| key.secret.expose().to_vec()).as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn a_key_is_taken_as_it_is_or_decoded() {
        check("sharedSecret", Some(b"sharedSecret"));
        check(&"k".repeat(256), Some(&[b'k'; 256]));
        check("whsec_c2hhcmVkU2VjcmV0", Some(b"sharedSecret"));
        for text in ["", "elevenbytes", &"k".repeat(257), "whsec_", "whsec_????", "whsec_c2hhcmU="]
        {
            check(text, None);
        }
    }

    #[test]
    fn a_short_key_is_warned_of() {
        assert!(given("sharedSecret").unwrap().warning().is_some());
        assert!(given(&"k".repeat(24)).unwrap().warning().is_none());
    }

    #[test]
    fn a_made_key_is_43_characters_and_shown_in_both_forms() {
        let key = ShownKey::made([7; 32]);
        let text = key.text().unwrap();
        assert_eq!(text.len(), 43);
        let secret = shown_secret(key.secret());
        assert_eq!(given(&secret).unwrap().secret().expose(), text.as_bytes());
        assert_eq!(given("sharedSecret").unwrap().text(), None);
    }
}
