//! A user's switch from one energy supplier to another.

use async_graphql::{Enum, InputObject, SimpleObject};
use serde::{Deserialize, Serialize};
use tidings_core::time::Wall;
use tidings_graphql::Thing;
use tidings_store::Link;

use super::stored::{Body, USER_ROLE, link};

/// A switch of energy supplier.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EnergySwitch {
    /// When it was ordered.
    pub date: Wall,
    /// The id of the user who switches.
    pub user: String,
    /// What the application calls this switch.
    pub user_switch_reference_id: Option<String>,
    /// Where the energy is used.
    pub postcode: Option<String>,
    /// The code of the new provider.
    pub provider: String,
    /// The new tariff.
    pub tariff_name: Option<String>,
    /// What a year will cost.
    pub projected_spend: Option<Money>,
    /// What a year will cost less than before; negative where it costs more.
    pub savings: Option<Money>,
    /// What is switched.
    pub fuel_type: FuelType,
    /// How many fuels are switched.
    pub fuels_switched: u32,
    /// How far the commission is.
    pub commission: Commission,
}

impl Body for EnergySwitch {
    const KIND: &'static str = "EnergySwitch";
    const THING: Thing = Thing::EnergySwitch;

    fn links(&self) -> Vec<Link> {
        vec![link(USER_ROLE, &self.user)]
    }

    fn user(&self) -> Option<&str> {
        Some(&self.user)
    }

    fn provider(&self) -> Option<&str> {
        Some(&self.provider)
    }
}

/// An amount of money.
#[derive(SimpleObject, InputObject, Clone, PartialEq, Debug, Serialize, Deserialize)]
#[graphql(input_name = "MoneyInput")]
pub struct Money {
    /// The currency: three letters, as ISO 4217 lists them.
    pub currency: String,
    /// How much of it.
    pub amount: f64,
}

/// What is switched.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[graphql(rename_items = "PascalCase")]
pub enum FuelType {
    /// Electricity.
    Elec,
    /// Gas.
    Gas,
    /// Electricity and gas.
    Elecgas,
}

/// How far the commission of a switch is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Commission {
    /// Fuels of which nothing is known yet.
    pub fuels_waiting_for_update: u32,
    /// Fuels whose switch was called off.
    pub fuels_with_switch_terminated: u32,
    /// Fuels whose commission is expected.
    pub fuels_with_commission_expected: u32,
    /// Fuels whose commission was received.
    pub fuels_with_commission_received: u32,
    /// Since when the status holds.
    pub status_date: Wall,
    /// The status of the whole.
    pub status: CommissionStatus,
}

impl Commission {
    /// How every commission begins: all fuels wait, since `date`.
    #[must_use]
    pub fn waiting(fuels: u32, date: Wall) -> Commission {
        Commission {
            fuels_waiting_for_update: fuels,
            fuels_with_switch_terminated: 0,
            fuels_with_commission_expected: 0,
            fuels_with_commission_received: 0,
            status_date: date,
            status: CommissionStatus::WaitingForUpdate,
        }
    }
}

/// The status of a commission.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[graphql(rename_items = "camelCase")]
pub enum CommissionStatus {
    /// Nothing is known yet.
    WaitingForUpdate,
    /// The switch was called off: there will be no commission.
    SwitchTerminated,
    /// The commission is expected.
    CommissionExpected,
    /// The commission was received.
    CommissionReceived,
}
