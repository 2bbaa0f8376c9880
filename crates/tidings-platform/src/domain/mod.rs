//! The platform's entities as they are stored, and what their fields may hold. One file each.

mod checks;
mod energy_switch;
mod entity_code;
mod provider;
mod stored;
mod user;

pub use checks::Checks;
pub use energy_switch::{Commission, CommissionStatus, EnergySwitch, FuelType, Money};
pub use entity_code::{is_entity_code, new_entity_code};
pub use provider::{Provider, ProviderCapabilities, Sector};
pub use stored::{Body, Stored, change};
pub use user::User;
