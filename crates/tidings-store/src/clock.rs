//! Time and chance as the rest sees them. The binary reads the real ones; tests and the simulation
//! bring their own.

use std::fmt;

use async_trait::async_trait;
use tidings_core::{
    ids::EventId,
    retry::Jitter,
    secret::Vault,
    time::{Elapsed, Now, Wall},
};

/// The time.
#[async_trait]
pub trait Clock: Send + Sync + fmt::Debug {
    /// What both clocks say.
    fn now(&self) -> Now;

    /// Returns at the moment `until`, or soon after it; at once when it has passed.
    async fn sleep_until(&self, until: Elapsed);
}

/// Randomness. For secrets it must be the system's; the simulation brings a seeded one.
pub trait Chance: Send + Sync + fmt::Debug {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Chance {
    /// A number for spreading a delay.
    #[must_use]
    pub fn jitter(&self) -> Jitter {
        Jitter(self.number())
    }

    /// Any number.
    #[must_use]
    pub fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A new event's id.
    #[must_use]
    pub fn event_id(&self, wall: Wall) -> EventId {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        EventId::new(wall, bytes)
    }

    /// A nonce for sealing a secret.
    #[must_use]
    pub fn nonce(&self) -> [u8; Vault::NONCE_BYTES] {
        let mut bytes = [0; Vault::NONCE_BYTES];
        self.fill(&mut bytes);
        bytes
    }
}
