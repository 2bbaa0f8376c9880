//! The names of things. Each has its own type, so that none can be taken for another.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{limits, time::Wall};

/// A text that is not the id it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{text}` is not {what}: {remedy}")]
pub struct IdError {
    /// What was given, cut to 64 characters.
    pub text: String,
    /// What it should have been, with its article.
    pub what: &'static str,
    /// What to write instead.
    pub remedy: &'static str,
}

fn refused(text: &str, what: &'static str, remedy: &'static str) -> IdError {
    IdError { text: text.chars().take(64).collect(), what, remedy }
}

/// A numbered thing's id: a decimal number from 1.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<$name, IdError> {
                let number = text.parse::<u64>().ok().filter(|n| i64::try_from(*n).is_ok());
                match number {
                    Some(number) if number > 0 && !text.starts_with(['0', '+']) => {
                        Ok($name(number))
                    }
                    _ => Err(refused(text, $what, "write the number that Tidings gave it")),
                }
            }
        }
    };
}

number_id!(
    /// A client application. Numbers are never used again, names may be.
    ApplicationId,
    "an application's id"
);
number_id!(
    /// A webhook. Its number is a part of every delivery's id.
    WebhookId,
    "a webhook's id"
);
number_id!(
    /// An endpoint: a url of one application, with its health.
    EndpointId,
    "an endpoint's id"
);
number_id!(
    /// An API token (not its secret).
    TokenId,
    "a token's id"
);
number_id!(
    /// A notice to an owner.
    NoticeId,
    "a notice's id"
);
number_id!(
    /// A task: durable work beside deliveries.
    TaskId,
    "a task's id"
);

/// A firing of a trigger: a UUID of version 7 (RFC 9562, section 5.7), so ids grow with time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// Makes an id from the time and 10 random bytes.
    #[must_use]
    pub fn new(wall: Wall, random: [u8; 10]) -> EventId {
        let ms = u64::try_from(wall.0).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = 0x70 | (bytes[6] & 0x0F);
        bytes[8] = 0x80 | (bytes[8] & 0x3F);
        EventId(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From 16 bytes that [`EventId::bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> EventId {
        EventId(bytes)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<EventId, IdError> {
        let wrong = || refused(text, "an event's id", "write the id that the event was given");
        if text.len() != 36 || !text.is_ascii() {
            return Err(wrong());
        }
        let hex: String = text.split('-').collect();
        let parts: Vec<usize> = text.split('-').map(str::len).collect();
        if parts != [8, 4, 4, 4, 12] {
            return Err(wrong());
        }
        let mut bytes = [0; 16];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).map_err(|_| wrong())?;
        }
        Ok(EventId(bytes))
    }
}

/// The wire's `webhook.id` (docs/delivery.md): the event's id, the webhook's number and the
/// replay's ordinal, both big-endian; standard base64 of the 32 bytes on the outside. It never
/// holds a `.`, because the signature joins its parts with one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId([u8; 32]);

impl DeliveryId {
    /// Characters of the text form.
    pub const TEXT_LENGTH: usize = 44;

    /// The id of an event's delivery to a webhook; `replay` is 0 for the original.
    #[must_use]
    pub fn new(event: EventId, webhook: WebhookId, replay: u64) -> DeliveryId {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&event.0);
        bytes[16..24].copy_from_slice(&webhook.0.to_be_bytes());
        bytes[24..].copy_from_slice(&replay.to_be_bytes());
        DeliveryId(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From 32 bytes that [`DeliveryId::bytes`] gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> DeliveryId {
        DeliveryId(bytes)
    }

    /// The event that is delivered.
    #[must_use]
    pub fn event(&self) -> EventId {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0[..16]);
        EventId(bytes)
    }

    /// The webhook that it is delivered to.
    #[must_use]
    pub fn webhook(&self) -> WebhookId {
        WebhookId(self.number_at(16))
    }

    /// Which replay this is; 0 for the original.
    #[must_use]
    pub fn replay(&self) -> u64 {
        self.number_at(24)
    }

    fn number_at(&self, start: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[start..start + 8]);
        u64::from_be_bytes(bytes)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveryId({self})")
    }
}

impl FromStr for DeliveryId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<DeliveryId, IdError> {
        STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(DeliveryId)
            .ok_or_else(|| {
                refused(text, "a delivery's id", "write the 44 characters of its `webhook.id`")
            })
    }
}

/// An entity's id in its source: 1 to 256 bytes without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct EntityId(String);

impl EntityId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EntityId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<EntityId, IdError> {
        let fits = (1..=limits::ENTITY_ID_BYTES_MAX).contains(&text.len());
        if !fits || text.chars().any(char::is_control) {
            let remedy = "write 1 to 256 bytes without control characters";
            return Err(refused(text, "an entity's id", remedy));
        }
        Ok(EntityId(text.to_owned()))
    }
}

/// The consent that tokens were issued under: 24 hexadecimal digits. A token and those that are
/// refreshed from it share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId([u8; 12]);

impl GrantId {
    /// Makes an id from 12 random bytes.
    #[must_use]
    pub fn new(random: [u8; 12]) -> GrantId {
        GrantId(random)
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantId({self})")
    }
}

impl FromStr for GrantId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<GrantId, IdError> {
        let wrong = || refused(text, "a grant's id", "write its 24 hexadecimal digits");
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 24 || !text.bytes().all(is_digit) {
            return Err(wrong());
        }
        let mut bytes = [0; 12];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| wrong())?;
        }
        Ok(GrantId(bytes))
    }
}

/// Serde through the text form, for the ids whose bytes are not text.
macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
serde_as_text!(EventId, DeliveryId, GrantId);

impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EntityId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_a_version_7_uuid_that_grows_with_time() {
        let first = EventId::new(Wall(1_613_551_727_284), [0xFF; 10]);
        let second = EventId::new(Wall(1_613_551_727_285), [0; 10]);
        assert_eq!(first.to_string(), "0177af2d-72b4-7fff-bfff-ffffffffffff");
        assert!(first < second);
        assert_eq!(first.to_string().parse::<EventId>(), Ok(first));
    }

    #[test]
    fn a_delivery_id_can_be_taken_apart_and_holds_no_dot() {
        let event = EventId::new(Wall(1), [7; 10]);
        let id = DeliveryId::new(event, WebhookId(513), 2);
        let text = id.to_string();
        assert_eq!((text.len(), text.contains('.')), (DeliveryId::TEXT_LENGTH, false));
        assert_eq!(text.parse::<DeliveryId>(), Ok(id));
        assert_eq!((id.event(), id.webhook(), id.replay()), (event, WebhookId(513), 2));
    }

    #[test]
    fn a_grants_id_is_24_digits_on_the_outside() {
        let id = GrantId::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xAB, 0xFF]);
        assert_eq!(id.to_string(), "00010203040506070809abff");
        assert_eq!(id.to_string().parse::<GrantId>(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"00010203040506070809abff\"");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0", "-1", "01", "+1", "1.0", "9223372036854775808", "x"] {
            assert!(text.parse::<WebhookId>().is_err(), "{text}");
        }
        for text in
            ["", "x", "0177af3e-5ef4-7fff-bfff-fffffffffff", "0177af3e5ef47fffbfffffffffffffff"]
        {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
        for text in ["", "AAAA", "egohOhl0CgOx1FztKdKBjYU1TWWzy2kqBqqmWBhUQR"] {
            assert!(text.parse::<DeliveryId>().is_err(), "{text}");
        }
        for text in ["", "0123456789abcdef0123456", "0123456789ABCDEF01234567", &"é".repeat(12)] {
            assert!(text.parse::<GrantId>().is_err(), "{text}");
        }
        for text in ["", "a\u{0}", "a\nb", &"x".repeat(257)] {
            assert!(text.parse::<EntityId>().is_err(), "{text}");
        }
    }
}
