//! An event: one firing of a trigger for one entity. Immutable.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    application::Name,
    ids::{ApplicationId, EntityId, EventId},
    limits,
    time::Wall,
    trigger::TriggerName,
};

/// A JSON object whose keys keep their order.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// One firing of a trigger.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The trigger that fired.
    pub trigger: TriggerName,
    /// What it fired for.
    pub entity: EntityId,
    /// Where the entity is.
    pub source: Name,
    /// Whose webhooks hear it; `None`: every application's.
    pub application: Option<ApplicationId>,
    /// Passed to the queries that declare them.
    pub variables: JsonObject,
    /// When the trigger fired: the wire's `webhook.date`.
    pub date: Wall,
    /// Whether a person asked for it to test a webhook.
    pub test: bool,
}

/// A key under which the same request makes the same event: 1 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(text: &str) -> Result<IdempotencyKey, IdempotencyKeyError> {
        let fits = (1..=limits::IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IdempotencyKeyError);
        }
        Ok(IdempotencyKey(text.to_owned()))
    }
}

/// A text that is no idempotency key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an idempotency key is 1 to 255 visible ASCII characters, without spaces")]
pub struct IdempotencyKeyError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_visible_ascii() {
        assert!("order-42-added".parse::<IdempotencyKey>().is_ok());
        for text in ["", "a b", "ü", "a\n", &"x".repeat(256)] {
            assert_eq!(text.parse::<IdempotencyKey>(), Err(IdempotencyKeyError), "{text}");
        }
    }
}
