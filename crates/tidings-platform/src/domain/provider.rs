//! A business that supplies something. Providers are the operator's and the same for every
//! application.

use async_graphql::{Enum, InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use tidings_graphql::{AccessLevel, Thing};

use super::stored::Body;

/// A provider, without its code, which is its id.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Provider {
    /// What people call it.
    pub name: String,
    /// What it supplies.
    pub sector: Sector,
    /// What the platform can do with it.
    pub capabilities: ProviderCapabilities,
    /// Where its adapter is; `None`: there is none, and its accounts cannot be linked.
    #[serde(default)]
    pub adapter_url: Option<String>,
}

impl Provider {
    /// Whether accounts can be read so, as its capabilities say.
    #[must_use]
    pub fn offers(&self, level: AccessLevel) -> bool {
        match level {
            AccessLevel::QuickCheck => self.capabilities.quick_check,
            AccessLevel::FullCheck | AccessLevel::FullCheckOngoing => {
                self.capabilities.automated_data_collection
            }
        }
    }
}

impl Body for Provider {
    const KIND: &'static str = "Provider";
    const THING: Thing = Thing::Provider;
}

/// What a provider supplies.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sector {
    /// Electricity or gas.
    Energy,
    /// Water.
    Water,
    /// Access to the internet at home.
    Broadband,
    /// Mobile telephony.
    Mobile,
    /// Television.
    Tv,
    /// Insurance.
    Insurance,
    /// Anything else.
    Other,
}

/// What the platform can do with a provider.
#[derive(SimpleObject, InputObject, Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[graphql(input_name = "ProviderCapabilitiesInput")]
pub struct ProviderCapabilities {
    /// Whether account data can be collected without the user: Full Check and Ongoing.
    pub automated_data_collection: bool,
    /// Whether a Quick Check is offered.
    pub quick_check: bool,
}
