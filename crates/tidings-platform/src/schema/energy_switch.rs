//! Switches of energy supplier.

use async_graphql::{Context, Error, ID, Object, SimpleObject};
use tidings_graphql::{DateTime, Failure, result_union};

use super::{
    asking::{Asking, find, writing},
    batch::{Shown, shown_written},
    page::{EntityListPage, ListArguments, list},
    provider::ProviderObject,
    user::UserObject,
};
use crate::{
    domain::{Commission, CommissionStatus, EnergySwitch, FuelType, Money},
    writer::{EnergySwitchChange, NewEnergySwitch},
};

/// A switch, as it is shown.
#[derive(Clone, Debug)]
pub struct EnergySwitchObject(Shown<EnergySwitch>);

impl From<Shown<EnergySwitch>> for EnergySwitchObject {
    fn from(shown: Shown<EnergySwitch>) -> EnergySwitchObject {
        EnergySwitchObject(shown)
    }
}

impl EnergySwitchObject {
    fn body(&self) -> &EnergySwitch {
        &self.0.entity.body
    }
}

/// A user's switch from one energy supplier to another.
#[Object(name = "EnergySwitch")]
impl EnergySwitchObject {
    /// The switch's id: 24 digits of 0-9 and a-f.
    async fn id(&self) -> ID {
        ID(self.0.entity.id.clone())
    }

    /// When it was ordered.
    async fn date(&self) -> DateTime {
        self.body().date.into()
    }

    /// The user who switches.
    async fn user(&self, context: &Context<'_>) -> Result<UserObject, Error> {
        self.0.batch.user(context, &self.body().user).await.map(UserObject::from)
    }

    /// What the application calls this switch.
    async fn user_switch_reference_id(&self) -> Option<&str> {
        self.body().user_switch_reference_id.as_deref()
    }

    /// Where the energy is used.
    async fn postcode(&self) -> Option<&str> {
        self.body().postcode.as_deref()
    }

    /// The new provider.
    async fn provider(&self, context: &Context<'_>) -> Result<ProviderObject, Error> {
        self.0.batch.provider(context, &self.body().provider).await.map(ProviderObject)
    }

    /// The new tariff.
    async fn tariff_name(&self) -> Option<&str> {
        self.body().tariff_name.as_deref()
    }

    /// What a year will cost.
    async fn projected_spend(&self) -> Option<&Money> {
        self.body().projected_spend.as_ref()
    }

    /// What a year will cost less than before; negative where it costs more.
    async fn savings(&self) -> Option<&Money> {
        self.body().savings.as_ref()
    }

    /// What is switched.
    async fn fuel_type(&self) -> FuelType {
        self.body().fuel_type
    }

    /// How many fuels are switched.
    async fn fuels_switched(&self) -> u32 {
        self.body().fuels_switched
    }

    /// How far the commission is.
    async fn commission(&self) -> CommissionObject {
        self.body().commission.clone().into()
    }

    /// When anything about the switch was last changed.
    async fn updated(&self) -> DateTime {
        self.0.entity.updated_at.into()
    }
}

/// How far the commission of a switch is, in fuels.
#[derive(SimpleObject, Debug)]
#[graphql(name = "Commission")]
pub struct CommissionObject {
    /// Fuels of which nothing is known yet.
    fuels_waiting_for_update: u32,
    /// Fuels whose switch was called off.
    fuels_with_switch_terminated: u32,
    /// Fuels whose commission is expected.
    fuels_with_commission_expected: u32,
    /// Fuels whose commission was received.
    fuels_with_commission_received: u32,
    /// Since when the status holds.
    status_date: DateTime,
    /// The status of the whole.
    status: CommissionStatus,
}

impl From<Commission> for CommissionObject {
    fn from(commission: Commission) -> CommissionObject {
        CommissionObject {
            fuels_waiting_for_update: commission.fuels_waiting_for_update,
            fuels_with_switch_terminated: commission.fuels_with_switch_terminated,
            fuels_with_commission_expected: commission.fuels_with_commission_expected,
            fuels_with_commission_received: commission.fuels_with_commission_received,
            status_date: commission.status_date.into(),
            status: commission.status,
        }
    }
}

result_union! {
    /// A switch, or why there is none.
    GetEnergySwitchResult(EnergySwitchObject)
}
result_union! {
    /// The switch that was added, or why none was.
    AddEnergySwitchResult(EnergySwitchObject)
}
result_union! {
    /// The switch as it is now, or why it was not changed.
    UpdateEnergySwitchResult(EnergySwitchObject)
}

/// Queries about switches.
#[derive(Default, Debug)]
pub struct EnergySwitchQuery;

#[Object]
impl EnergySwitchQuery {
    /// A switch.
    async fn get_energy_switch(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The switch's id.")] id: ID,
    ) -> Result<GetEnergySwitchResult, Error> {
        Ok(find(context, &id).await?.map(EnergySwitchObject).into())
    }

    /// The switches of the application, in the order in which they were last changed.
    async fn get_energy_switches(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this user's.")] user: Option<ID>,
        #[graphql(desc = "How many at most: 1 to 200.", default = 50)] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only what was changed then or later, with what was deleted.")]
        updated_since: Option<DateTime>,
    ) -> Result<EntityListPage<EnergySwitchObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        let page = ListArguments { first, after, updated_since, ..ListArguments::default() };
        let arguments = ListArguments { user, ..page };
        list::<EnergySwitch, _>(&asking, arguments).await
    }
}

/// Changes of switches.
#[derive(Default, Debug)]
pub struct EnergySwitchMutation;

#[Object]
impl EnergySwitchMutation {
    /// Adds a switch. Fires `EnergySwitchAdded`.
    async fn add_energy_switch(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The switch.")] input: NewEnergySwitch,
    ) -> Result<AddEnergySwitchResult, Error> {
        let (writer, application) = match writing(context)? {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.add_energy_switch(application, input).await;
        Ok(shown_written(application, written).map(EnergySwitchObject).into())
    }

    /// Changes a switch. Fires `EnergySwitchUpdated`, unless nothing changes.
    async fn update_energy_switch(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The switch's id.")] id: ID,
        #[graphql(desc = "What is to be changed.")] input: EnergySwitchChange,
    ) -> Result<UpdateEnergySwitchResult, Error> {
        let (writer, application) = match writing(context)? {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.update_energy_switch(application, &id, input).await;
        Ok(shown_written(application, written).map(EnergySwitchObject).into())
    }
}
