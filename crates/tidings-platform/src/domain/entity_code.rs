//! The ids of users and switches: 24 hexadecimal digits.

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
}
