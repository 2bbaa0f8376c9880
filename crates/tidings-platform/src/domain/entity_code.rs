//! The ids of all entities but providers: 24 hexadecimal digits.

use sha2::{Digest, Sha256};
use tidings_store::Chance;

/// Digits of an id.
const DIGITS: usize = 24;

/// Whether a text is such an id: lower-case digits, so that no entity has two spellings.
#[must_use]
pub fn is_entity_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A new id by chance: 96 bits, so that two are never equal.
#[must_use]
pub fn new_entity_code(chance: &dyn Chance) -> String {
    let mut bytes = [0; DIGITS / 2];
    chance.fill(&mut bytes);
    code(&bytes)
}

/// The id of what a provider calls `provider_key` in an account: always the same, so that what is
/// collected again never becomes a second one.
#[must_use]
pub fn entity_code_of(account: &str, provider_key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(account);
    // An account's id holds no such byte: no two pairs are the same text.
    hash.update([0]);
    hash.update(provider_key);
    code(&hash.finalize()[..DIGITS / 2])
}

fn code(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_24_lower_case_hexadecimal_digits() {
        assert!(is_entity_code("602cd86f3755d621aff583ee"));
        for text in [
            "",
            "602cd86f3755d621aff583e",
            "602cd86f3755d621aff583eee",
            "602CD86F3755D621AFF583EE",
            "602cd86f3755d621aff583eg",
            "602cd86f3755d621aff583é",
        ] {
            assert!(!is_entity_code(text), "{text}");
        }
    }

    #[test]
    fn what_a_provider_names_has_one_id_in_each_account() {
        let (account, other) = ("602cd86f3755d621aff583ee", "602cd86f3755d621aff583ef");
        let id = entity_code_of(account, "bill-2021-02");
        assert!(is_entity_code(&id), "{id}");
        assert_eq!(id, entity_code_of(account, "bill-2021-02"));
        for (account, key) in [(account, "bill-2021-03"), (other, "bill-2021-02"), (account, "")] {
            assert_ne!(entity_code_of(account, key), id, "{account} {key}");
        }
    }
}
