//! Adding and changing switches.

use async_graphql::{ID, InputObject, MaybeUndefined};
use tidings_core::{
    ids::ApplicationId,
    time::{Now, Wall},
};
use tidings_graphql::{DateTime, OperationFailure};

use super::{Firing, Plan, TRIES_MAX, Writer, Written, changed_meanwhile, over};
use crate::{
    domain::{
        Checks, Commission, CommissionStatus, EnergySwitch, FuelType, Money, Provider, Stored,
        User, change, new_entity_code,
    },
    triggers::Trigger,
};

/// A switch of energy supplier that is to be.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "AddEnergySwitchInput")]
pub struct NewEnergySwitch {
    /// Its id, 24 digits of 0-9 and a-f; made by chance where it is left out.
    pub id: Option<ID>,
    /// When it was ordered; now, where it is left out.
    pub date: Option<DateTime>,
    /// The id of the user who switches.
    pub user: ID,
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
    /// How many fuels are switched: 0 to 100.
    pub fuels_switched: i32,
    /// How far the commission is; where it is left out, all fuels wait for an update.
    pub commission: Option<CommissionFields>,
}

/// What is to be changed of a switch. A field that is left out keeps what is stored; null clears
/// it.
#[derive(InputObject, Clone, Debug, Default)]
#[graphql(name = "UpdateEnergySwitchInput")]
pub struct EnergySwitchChange {
    /// When it was ordered. Cannot be cleared.
    pub date: MaybeUndefined<DateTime>,
    /// What the application calls this switch.
    pub user_switch_reference_id: MaybeUndefined<String>,
    /// Where the energy is used.
    pub postcode: MaybeUndefined<String>,
    /// The code of the new provider. Cannot be cleared.
    pub provider: MaybeUndefined<String>,
    /// The new tariff.
    pub tariff_name: MaybeUndefined<String>,
    /// What a year will cost.
    pub projected_spend: MaybeUndefined<Money>,
    /// What a year will cost less than before; negative where it costs more.
    pub savings: MaybeUndefined<Money>,
    /// What is switched. Cannot be cleared.
    pub fuel_type: MaybeUndefined<FuelType>,
    /// How many fuels are switched: 0 to 100. Cannot be cleared.
    pub fuels_switched: MaybeUndefined<i32>,
    /// How far the commission is; null: back to where all fuels wait for an update.
    pub commission: MaybeUndefined<CommissionFields>,
}

/// How far the commission of a switch is, in fuels: each count from 0 to 100.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "CommissionInput")]
pub struct CommissionFields {
    /// Fuels of which nothing is known yet.
    pub fuels_waiting_for_update: i32,
    /// Fuels whose switch was called off.
    pub fuels_with_switch_terminated: i32,
    /// Fuels whose commission is expected.
    pub fuels_with_commission_expected: i32,
    /// Fuels whose commission was received.
    pub fuels_with_commission_received: i32,
    /// Since when the status holds.
    pub status_date: DateTime,
    /// The status of the whole.
    pub status: CommissionStatus,
}

impl Writer {
    /// Adds a switch and fires `EnergySwitchAdded`.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `NOT_FOUND` for its user or provider, `CONFLICT` when the id is taken, or
    /// what stops the store.
    pub async fn add_energy_switch(
        &self,
        application: ApplicationId,
        new: NewEnergySwitch,
    ) -> Result<Written<EnergySwitch>, OperationFailure> {
        new.check()?;
        let id = match &new.id {
            Some(id) => id.to_string(),
            None => new_entity_code(&*self.chance),
        };
        for _ in 0..TRIES_MAX {
            let now = self.now();
            if new.id.is_some() {
                self.refuse_taken::<EnergySwitch>(application, &id).await?;
            }
            let user = self.referred::<User>(Some(application), &new.user, "/input/user").await?;
            self.referred::<Provider>(None, &new.provider, "/input/provider").await?;
            let body = new.body(now)?;
            let plan = Plan {
                changes: vec![change(Some(application), &id, None, &body)],
                expected: vec![user.expected(Some(application))],
                firings: vec![Firing::of(Trigger::EnergySwitchAdded, &id, application)],
                ..Plan::of(Stored::first(&id, now.wall, body))
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<EnergySwitch>(&id))
    }

    /// Changes a switch and fires `EnergySwitchUpdated`, unless nothing changes.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `NOT_FOUND` for the switch or its new provider, or what stops the store.
    pub async fn update_energy_switch(
        &self,
        application: ApplicationId,
        id: &str,
        wanted: EnergySwitchChange,
    ) -> Result<Written<EnergySwitch>, OperationFailure> {
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let before = self.existing::<EnergySwitch>(Some(application), id).await?;
            let body = wanted.over(&before.body)?;
            if body == before.body {
                return Ok(Written { entity: before, event: None });
            }
            if body.provider != before.body.provider {
                self.referred::<Provider>(None, &body.provider, "/input/provider").await?;
            }
            let plan = Plan {
                changes: vec![before.change(Some(application), &body)],
                firings: vec![Firing::of(Trigger::EnergySwitchUpdated, id, application)],
                ..Plan::of(before.next(now.wall, body))
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<EnergySwitch>(id))
    }
}

impl NewEnergySwitch {
    /// What can be said without reading.
    fn check(&self) -> Result<(), OperationFailure> {
        let mut checks = Checks::default();
        if let Some(id) = &self.id {
            checks.entity_code("/input/id", id);
        }
        self.switch(DateTime(Wall::default()), &mut checks);
        checks.finish()
    }

    fn body(&self, now: Now) -> Result<EnergySwitch, OperationFailure> {
        let mut checks = Checks::default();
        let switch = self.switch(DateTime(now.wall), &mut checks);
        checks.finish()?;
        Ok(switch)
    }

    fn switch(&self, now: DateTime, checks: &mut Checks) -> EnergySwitch {
        let date = self.date.unwrap_or(now).0;
        let fuels_switched = checks.fuels("/input/fuelsSwitched", self.fuels_switched);
        let commission = match &self.commission {
            Some(fields) => fields.commission(checks),
            None => Commission::waiting(fuels_switched, date),
        };
        let switch = EnergySwitch {
            date,
            user: self.user.to_string(),
            user_switch_reference_id: self.user_switch_reference_id.clone(),
            postcode: self.postcode.clone(),
            provider: self.provider.clone(),
            tariff_name: self.tariff_name.clone(),
            projected_spend: self.projected_spend.clone(),
            savings: self.savings.clone(),
            fuel_type: self.fuel_type,
            fuels_switched,
            commission,
        };
        check_texts_and_money(&switch, checks);
        switch
    }
}

impl EnergySwitchChange {
    /// The switch as it is to be.
    fn over(&self, before: &EnergySwitch) -> Result<EnergySwitch, OperationFailure> {
        let mut checks = Checks::default();
        let date = checks.required("/input/date", &self.date, DateTime(before.date)).0;
        let fuels_switched = i32::try_from(before.fuels_switched).unwrap_or(i32::MAX);
        let path = "/input/fuelsSwitched";
        let fuels_switched = checks.required(path, &self.fuels_switched, fuels_switched);
        let fuels_switched = checks.fuels(path, fuels_switched);
        let commission = match &self.commission {
            MaybeUndefined::Value(fields) => fields.commission(&mut checks),
            MaybeUndefined::Undefined => before.commission.clone(),
            MaybeUndefined::Null => Commission::waiting(fuels_switched, date),
        };
        let provider = before.provider.clone();
        let reference = &before.user_switch_reference_id;
        let switch = EnergySwitch {
            date,
            user: before.user.clone(),
            user_switch_reference_id: over(&self.user_switch_reference_id, reference),
            postcode: over(&self.postcode, &before.postcode),
            provider: checks.required("/input/provider", &self.provider, provider),
            tariff_name: over(&self.tariff_name, &before.tariff_name),
            projected_spend: over(&self.projected_spend, &before.projected_spend),
            savings: over(&self.savings, &before.savings),
            fuel_type: checks.required("/input/fuelType", &self.fuel_type, before.fuel_type),
            fuels_switched,
            commission,
        };
        check_texts_and_money(&switch, &mut checks);
        checks.finish()?;
        Ok(switch)
    }
}

impl CommissionFields {
    fn commission(&self, checks: &mut Checks) -> Commission {
        let mut fuels =
            |name: &str, count: i32| checks.fuels(&format!("/input/commission/{name}"), count);
        Commission {
            fuels_waiting_for_update: fuels("fuelsWaitingForUpdate", self.fuels_waiting_for_update),
            fuels_with_switch_terminated: fuels(
                "fuelsWithSwitchTerminated",
                self.fuels_with_switch_terminated,
            ),
            fuels_with_commission_expected: fuels(
                "fuelsWithCommissionExpected",
                self.fuels_with_commission_expected,
            ),
            fuels_with_commission_received: fuels(
                "fuelsWithCommissionReceived",
                self.fuels_with_commission_received,
            ),
            status_date: self.status_date.0,
            status: self.status,
        }
    }
}

fn check_texts_and_money(switch: &EnergySwitch, checks: &mut Checks) {
    let reference = switch.user_switch_reference_id.as_ref();
    checks.optional_text("/input/userSwitchReferenceId", reference);
    if let Some(text) = &switch.postcode {
        checks.postcode("/input/postcode", text);
    }
    checks.optional_text("/input/tariffName", switch.tariff_name.as_ref());
    if let Some(money) = &switch.projected_spend {
        checks.money("/input/projectedSpend", money);
    }
    if let Some(money) = &switch.savings {
        checks.money("/input/savings", money);
    }
}
