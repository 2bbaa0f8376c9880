//! Something that a provider supplies under an account.

use async_graphql::SimpleObject;
use serde::{Deserialize, Serialize};
use tidings_core::time::Wall;
use tidings_graphql::Thing;
use tidings_store::Link;

use super::{
    energy_switch::Money,
    provider::Sector,
    stored::{ACCOUNT_ROLE, Body, USER_ROLE, link},
};

/// Provisions that one account may have: all of them are shown at once.
pub const PROVISIONS_PER_ACCOUNT_MAX: usize = 100;

/// A provision, as its provider last told of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Provision {
    /// The id of its account.
    pub account: String,
    /// The id of the user who holds the account.
    pub user: String,
    /// The provider's own name of it, by which it is known again. Not shown.
    pub provider_key: String,
    /// What is supplied.
    pub sector: Sector,
    /// Which fuel, as the provider calls it.
    pub fuel_type: Option<String>,
    /// The tariff.
    pub tariff_name: Option<String>,
    /// The number of the supply point, meter or line.
    pub supply_number: Option<String>,
    /// Where it is supplied.
    pub address: Option<Address>,
    /// Since when.
    pub start_date: Option<Wall>,
    /// Until when.
    pub end_date: Option<Wall>,
    /// What a year will cost.
    pub projected_spend: Option<Money>,
}

impl Body for Provision {
    const KIND: &'static str = "Provision";
    const THING: Thing = Thing::Provision;

    fn links(&self) -> Vec<Link> {
        vec![link(USER_ROLE, &self.user), link(ACCOUNT_ROLE, &self.account)]
    }

    fn user(&self) -> Option<&str> {
        Some(&self.user)
    }

    fn account(&self) -> Option<&str> {
        Some(&self.account)
    }
}

/// A postal address.
#[derive(SimpleObject, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Address {
    /// Its lines, without the postcode: at most 10.
    pub lines: Vec<String>,
    /// Its postcode.
    pub postcode: Option<String>,
}
