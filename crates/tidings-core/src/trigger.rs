//! A trigger's name: an entity and what happened to it, `EnergySwitchUpdated`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// A trigger's name: `[A-Z][A-Za-z0-9_]{0,127}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct TriggerName(String);

impl TriggerName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 128;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TriggerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TriggerName {
    type Err = TriggerNameError;

    fn from_str(text: &str) -> Result<TriggerName, TriggerNameError> {
        if text.len() > TriggerName::BYTES_MAX {
            return Err(TriggerNameError::TooLong { actual: text.len() });
        }
        let mut bytes = text.bytes();
        let starts_well = bytes.next().is_some_and(|first| first.is_ascii_uppercase());
        if !starts_well || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(TriggerNameError::NotLetters { text: text.to_owned() });
        }
        Ok(TriggerName(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for TriggerName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TriggerName, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A text that is no trigger's name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TriggerNameError {
    /// Over 128 bytes.
    #[error("a trigger's name of {actual} bytes is too long: at most 128")]
    TooLong {
        /// Its bytes.
        actual: usize,
    },
    /// Not an upper-case letter followed by letters, digits and `_`.
    #[error(
        "`{text}` is not a trigger's name: write an upper-case letter, then letters, \
         digits or `_`, as in EnergySwitchAdded"
    )]
    NotLetters {
        /// What was given.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entity_and_action_are_taken() {
        for text in ["UserAdded", "A", "ToDo_Done2", &format!("A{}", "b".repeat(127))] {
            assert_eq!(text.parse::<TriggerName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "userAdded", "User.Added", "User%", "User_*", "Ünser", "A\n", " A", "../A"]
        {
            let error = text.parse::<TriggerName>().unwrap_err();
            assert_eq!(error, TriggerNameError::NotLetters { text: text.to_owned() });
        }
        let error = "A".repeat(129).parse::<TriggerName>().unwrap_err();
        assert_eq!(error, TriggerNameError::TooLong { actual: 129 });
    }
}
