//! Randomness from the system's generator: for ids, keys and tokens, and for spreading delays.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tidings_store::Chance;

/// The system's generator.
#[derive(Clone, Copy, Debug)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system's generator works, or nothing here is safe");
    }
}

/// 32 random bytes.
pub fn random_key() -> [u8; 32] {
    let mut bytes = [0; 32];
    SystemChance.fill(&mut bytes);
    bytes
}

/// 32 random bytes as 43 characters that need no escaping anywhere.
pub fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random_key())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_text_has_43_characters_and_never_comes_twice() {
        let (first, second) = (random_text(), random_text());
        assert_eq!((first.len(), second.len()), (43, 43));
        assert_ne!(first, second);
    }
}
