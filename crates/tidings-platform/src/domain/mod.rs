//! The platform's entities as they are stored, and what their fields may hold. One file each.

mod checks;
mod entity_code;
mod stored;
mod user;
mod provider;
mod account;
mod provision;
mod document;
mod to_do;
mod energy_switch;

pub use account::{ACCOUNTS_PER_USER_MAX, Account, AccountStatus, Consent};
pub use checks::Checks;
pub use document::{BYTES_ROLE, Document, DocumentType};
pub use energy_switch::{Commission, CommissionStatus, EnergySwitch, FuelType, Money};
pub use entity_code::{entity_code_of, is_entity_code, new_entity_code};
pub use provider::{Provider, ProviderCapabilities, Sector};
pub use provision::{Address, PROVISIONS_PER_ACCOUNT_MAX, Provision};
pub use stored::{
    ACCOUNT_ROLE, Body, GoesWith, Stored, USER_ROLE, change, last_role, link, tell_by,
};
pub use to_do::{ToDo, ToDoKind};
pub use user::User;

pub use tidings_graphql::AccessLevel;
