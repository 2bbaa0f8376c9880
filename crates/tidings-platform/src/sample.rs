//! The sample data of the demo: the switch that the published documentation of webhooks shows, and
//! the three queries that it recommends for switches.

use async_graphql::ID;
use tidings_core::{ids::ApplicationId, time::Wall};
use tidings_graphql::{DateTime, OperationFailure, OperationFailureCode};

use crate::{
    domain::{CommissionStatus, EnergySwitch, FuelType, Money, ProviderCapabilities, Sector},
    writer::{CommissionFields, NewEnergySwitch, NewProvider, NewUser, Writer, Written},
};

/// The code of the sample provider.
pub const PROVIDER: &str = "pfp-energy_pfp-energy";
/// The name of the sample provider.
pub const PROVIDER_NAME: &str = "PFP Energy";
/// The id of the sample user.
pub const USER: &str = "5e33114d08cb368661c5108d";
/// The id of the sample switch.
pub const ENERGY_SWITCH: &str = "602cd86f3755d621aff583ee";

/// The recommended query for all there is to know of a new switch.
pub const FULL_QUERY: &str = "\
query($id: ID!) {
  getEnergySwitch(id: $id) {
    __typename
    ... on OperationFailure {
      description(locale: en_GB)
    }
    ... on EnergySwitch {
      id
      date
      user {
        id
        tenantId
      }
      userSwitchReferenceId
      postcode
      provider {
        code
        name
      }
      tariffName
      projectedSpend {
        currency
        amount
      }
      savings {
        currency
        amount
      }
      fuelType
      fuelsSwitched
      commission {
        fuelsWaitingForUpdate
        fuelsWithSwitchTerminated
        fuelsWithCommissionExpected
        fuelsWithCommissionReceived
        statusDate
        status
      }
    }
  }
}";

/// The recommended query for those who look up the rest themselves.
pub const MINIMAL_QUERY: &str = "\
query($id: ID!) {
  getEnergySwitch(id: $id) {
    __typename
    ... on OperationFailure {
      description(locale: en_GB)
    }
    ... on EnergySwitch {
      id
      date
    }
  }
}";

/// The recommended query for how far the commission of a changed switch is.
pub const COMMISSION_QUERY: &str = "\
query($id: ID!) {
  getEnergySwitch(id: $id) {
    __typename
    ... on OperationFailure {
      description(locale: en_GB)
    }
    ... on EnergySwitch {
      id
      commission {
        fuelsWaitingForUpdate
        fuelsWithSwitchTerminated
        fuelsWithCommissionExpected
        fuelsWithCommissionReceived
        statusDate
        status
      }
    }
  }
}";

/// Adds the sample provider and user, where they are not there yet. The user's `UserAdded` fires
/// then.
///
/// # Errors
/// What stops the store.
pub async fn add_people(
    writer: &Writer,
    application: ApplicationId,
) -> Result<(), OperationFailure> {
    let capabilities = ProviderCapabilities { automated_data_collection: true, quick_check: true };
    let provider = NewProvider {
        code: PROVIDER.to_owned(),
        name: PROVIDER_NAME.to_owned(),
        sector: Sector::Energy,
        capabilities,
        adapter_url: None,
    };
    unless_taken(writer.add_provider(provider).await)?;
    let user = NewUser { id: Some(USER.to_owned()), reference: None };
    unless_taken(writer.add_user(application, user).await)?;
    Ok(())
}

/// Adds the sample switch, which fires `EnergySwitchAdded`; `None` when it was there before. The
/// provider and the user must be there.
///
/// # Errors
/// What stops the store.
pub async fn add_energy_switch(
    writer: &Writer,
    application: ApplicationId,
) -> Result<Option<Written<EnergySwitch>>, OperationFailure> {
    unless_taken(writer.add_energy_switch(application, energy_switch()).await)
}

fn unless_taken<T>(result: Result<T, OperationFailure>) -> Result<Option<T>, OperationFailure> {
    match result {
        Ok(made) => Ok(Some(made)),
        Err(refused) if refused.failure.code() == OperationFailureCode::Conflict => Ok(None),
        Err(refused) => Err(refused),
    }
}

/// The sample switch.
#[must_use]
pub fn energy_switch() -> NewEnergySwitch {
    let pounds = |amount| Some(Money { currency: "GBP".to_owned(), amount });
    NewEnergySwitch {
        id: Some(ID(ENERGY_SWITCH.to_owned())),
        date: Some(date("2018-01-01T00:00:00.000Z")),
        user: ID(USER.to_owned()),
        user_switch_reference_id: Some("E123456".to_owned()),
        postcode: Some("OX184EN".to_owned()),
        provider: PROVIDER.to_owned(),
        tariff_name: Some("PFP Energy - Green Variable v1 Paperless".to_owned()),
        projected_spend: pounds(123.540_000_915_527),
        savings: pounds(228.449_996_948_242),
        fuel_type: FuelType::Elecgas,
        fuels_switched: 2,
        commission: Some(CommissionFields {
            fuels_waiting_for_update: 0,
            fuels_with_switch_terminated: 0,
            fuels_with_commission_expected: 2,
            fuels_with_commission_received: 0,
            status_date: date("2018-01-22T00:00:00.000Z"),
            status: CommissionStatus::CommissionExpected,
        }),
    }
}

fn date(text: &str) -> DateTime {
    DateTime(Wall::parse(text).expect("the sample's dates are well formed"))
}
