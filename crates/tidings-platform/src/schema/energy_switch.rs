//! Switches of energy supplier.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use async_graphql::{Context, Error, ID, Object, SimpleObject};
use tidings_core::ids::ApplicationId;
use tidings_graphql::{DateTime, Failure};
use tidings_store::StoreError;
use tokio::sync::OnceCell;

use super::{
    asking::{Asking, result_union, stopped, writing},
    page::{EntityListPage, ListArguments, list},
    provider::ProviderObject,
    user::UserObject,
};
use crate::{
    domain::{
        Body, Commission, CommissionStatus, EnergySwitch, FuelType, Money, Provider, Stored,
        USER_ROLE, User, link,
    },
    reader::Reader,
    writer::{EnergySwitchChange, NewEnergySwitch, not_found},
};

/// A switch, with the others that were read with it.
#[derive(Clone, Debug)]
pub struct EnergySwitchObject {
    switch: Arc<Stored<EnergySwitch>>,
    beside: Arc<Beside>,
}

/// What the switches of one answer point at. The first switch that is asked for its user reads the
/// users of all of them: a page costs one read, not one for each line.
#[derive(Debug)]
struct Beside {
    application: ApplicationId,
    user_ids: BTreeSet<String>,
    provider_codes: BTreeSet<String>,
    users: OnceCell<HashMap<String, Arc<Stored<User>>>>,
    providers: OnceCell<HashMap<String, Arc<Stored<Provider>>>>,
}

impl EnergySwitchObject {
    fn objects(
        application: ApplicationId,
        switches: Vec<Stored<EnergySwitch>>,
    ) -> Vec<EnergySwitchObject> {
        let user_ids = switches.iter().map(|switch| switch.body.user.clone()).collect();
        let provider_codes = switches.iter().map(|switch| switch.body.provider.clone()).collect();
        let beside = Arc::new(Beside {
            application,
            user_ids,
            provider_codes,
            users: OnceCell::new(),
            providers: OnceCell::new(),
        });
        let object =
            |switch| EnergySwitchObject { switch: Arc::new(switch), beside: Arc::clone(&beside) };
        switches.into_iter().map(object).collect()
    }

    fn object(application: ApplicationId, switch: Stored<EnergySwitch>) -> EnergySwitchObject {
        EnergySwitchObject::objects(application, vec![switch])
            .pop()
            .expect("one object is made for each switch")
    }
}

/// One of the entities that a page's switches point at; they are read when the first is wanted.
async fn one_of<B: Body>(
    context: &Context<'_>,
    cell: &OnceCell<HashMap<String, Arc<Stored<B>>>>,
    application: Option<ApplicationId>,
    ids: &BTreeSet<String>,
    id: &str,
) -> Result<Arc<Stored<B>>, Error> {
    let reader = context.data::<Reader>()?;
    let read = || reader.many::<B>(application, ids.iter().cloned().collect());
    let all = cell.get_or_try_init(read).await;
    let found = all.map(|all| all.get(id).cloned());
    found
        .and_then(|found| {
            found.ok_or_else(|| StoreError::Corrupt {
                operation: "read what a switch points at",
                what: format!("{} {id}", B::KIND),
                cause: "it is not there".to_owned(),
            })
        })
        .map_err(|error| stopped(context, &error).into_error())
}

/// A user's switch from one energy supplier to another.
#[Object(name = "EnergySwitch")]
impl EnergySwitchObject {
    /// The switch's id: 24 digits of 0-9 and a-f.
    async fn id(&self) -> ID {
        ID(self.switch.id.clone())
    }

    /// When it was ordered.
    async fn date(&self) -> DateTime {
        self.switch.body.date.into()
    }

    /// The user who switches.
    async fn user(&self, context: &Context<'_>) -> Result<UserObject, Error> {
        let Beside { application, users, user_ids, .. } = &*self.beside;
        let id = &self.switch.body.user;
        one_of(context, users, Some(*application), user_ids, id).await.map(UserObject)
    }

    /// What the application calls this switch.
    async fn user_switch_reference_id(&self) -> Option<&str> {
        self.switch.body.user_switch_reference_id.as_deref()
    }

    /// Where the energy is used.
    async fn postcode(&self) -> Option<&str> {
        self.switch.body.postcode.as_deref()
    }

    /// The new provider.
    async fn provider(&self, context: &Context<'_>) -> Result<ProviderObject, Error> {
        let Beside { providers, provider_codes, .. } = &*self.beside;
        let code = &self.switch.body.provider;
        one_of(context, providers, None, provider_codes, code).await.map(ProviderObject)
    }

    /// The new tariff.
    async fn tariff_name(&self) -> Option<&str> {
        self.switch.body.tariff_name.as_deref()
    }

    /// What a year will cost.
    async fn projected_spend(&self) -> Option<&Money> {
        self.switch.body.projected_spend.as_ref()
    }

    /// What a year will cost less than before; negative where it costs more.
    async fn savings(&self) -> Option<&Money> {
        self.switch.body.savings.as_ref()
    }

    /// What is switched.
    async fn fuel_type(&self) -> FuelType {
        self.switch.body.fuel_type
    }

    /// How many fuels are switched.
    async fn fuels_switched(&self) -> u32 {
        self.switch.body.fuels_switched
    }

    /// How far the commission is.
    async fn commission(&self) -> CommissionObject {
        self.switch.body.commission.clone().into()
    }

    /// When anything about the switch was last changed.
    async fn updated(&self) -> DateTime {
        self.switch.updated_at.into()
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
    GetEnergySwitchResult { EnergySwitch(EnergySwitchObject) }
}
result_union! {
    /// The switch that was added, or why none was.
    AddEnergySwitchResult { EnergySwitch(EnergySwitchObject) }
}
result_union! {
    /// The switch as it is now, or why it was not changed.
    UpdateEnergySwitchResult { EnergySwitch(EnergySwitchObject) }
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
        Ok(match Asking::of(context)? {
            Ok(asking) => find(&asking, &id).await.into(),
            Err(failure) => Err(failure).into(),
        })
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
        let application = asking.application().map_err(Failure::into_error)?;
        let link = user.map(|user| link(USER_ROLE, &user));
        let arguments = ListArguments { first, after, updated_since, link };
        list(&asking, arguments, |page| EnergySwitchObject::objects(application, page)).await
    }
}

async fn find(asking: &Asking<'_>, id: &str) -> Result<EnergySwitchObject, Failure> {
    let application = asking.application_of::<EnergySwitch>(id).await?;
    let switch = asking.reader.one::<EnergySwitch>(Some(application), id).await;
    switch
        .map_err(|error| asking.stopped(&error))?
        .filter(|switch| !switch.deleted)
        .map(|switch| EnergySwitchObject::object(application, switch))
        .ok_or_else(|| not_found::<EnergySwitch>(id))
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
        let object = |switch| EnergySwitchObject::object(application, switch);
        Ok(written.map(|written| object(written.entity)).into())
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
        let object = |switch| EnergySwitchObject::object(application, switch);
        Ok(written.map(|written| object(written.entity)).into())
    }
}
