//! Keeping an account's provisions as its provider tells of them.

use std::collections::{HashMap, HashSet};

use tidings_core::{ids::ApplicationId, time::Wall};
use tidings_graphql::OperationFailure;

use super::{Firing, Plan, Writer, stopped};
use crate::{
    domain::{
        ACCOUNT_ROLE, Account, Address, Checks, Money, PROVISIONS_PER_ACCOUNT_MAX, Provision,
        Sector, Stored, change, entity_code_of, link,
    },
    reader::{PageQuery, Tombstones},
    triggers::Trigger,
};

/// A provision as a provider tells of it.
#[derive(Clone, PartialEq, Debug)]
pub struct NewProvision {
    /// The provider's own name of it, by which it is known again.
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

impl Writer {
    /// All provisions of an account by their ids, also those that are gone: they may come back.
    pub(super) async fn provisions_of(
        &self,
        application: ApplicationId,
        account: &str,
    ) -> Result<HashMap<String, Stored<Provision>>, OperationFailure> {
        let mut all = HashMap::new();
        let mut after = None;
        loop {
            let on = Some(link(ACCOUNT_ROLE, account));
            let existing = PageQuery::existing(Some(application), on, after);
            let query = PageQuery { tombstones: Tombstones::Shown, ..existing };
            let page = self.reader.page::<Provision>(query).await;
            let page = page.map_err(|error| stopped(&error))?;
            all.extend(page.items.into_iter().map(|provision| (provision.id.clone(), provision)));
            after = page.end;
            if !page.has_next_page {
                return Ok(all);
            }
        }
    }
}

/// Makes these the provisions of an account, all of them, and fires `ProvisionAdded` and
/// `ProvisionUpdated` for each that is new or other than before. The account is the caller's to
/// change when anything here does, also when one is gone: `updated` of an account covers its
/// provisions.
pub(super) fn plan(
    application: ApplicationId,
    account: &Stored<Account>,
    mut before: HashMap<String, Stored<Provision>>,
    provisions: &[NewProvision],
) -> Plan<()> {
    let owner = Some(application);
    let mut plan = Plan::of(());
    for provision in provisions {
        let id = entity_code_of(&account.id, &provision.provider_key);
        let body = provision.of(account);
        let earlier = before.remove(&id);
        let trigger = match &earlier {
            Some(same) if !same.deleted && same.body == body => continue,
            Some(other) if !other.deleted => Trigger::ProvisionUpdated,
            _ => Trigger::ProvisionAdded,
        };
        let version = earlier.map(|earlier| earlier.version);
        plan.changes.push(change(owner, &id, version, &body));
        plan.firings.push(Firing::of(trigger, &id, application));
    }
    let mut ended: Vec<Stored<Provision>> =
        before.into_values().filter(|provision| !provision.deleted).collect();
    ended.sort_by(|one, other| one.id.cmp(&other.id));
    plan.changes.extend(ended.iter().map(|provision| provision.tombstone(owner)));
    plan
}

/// Whether they can be an account's provisions.
pub(super) fn check(provisions: &[NewProvision]) -> Result<(), OperationFailure> {
    let mut checks = Checks::default();
    checks.list("", provisions.len(), PROVISIONS_PER_ACCOUNT_MAX);
    let mut keys = HashSet::new();
    for (index, provision) in provisions.iter().enumerate() {
        let path = |field: &str| format!("/{index}/{field}");
        checks.text(&path("providerKey"), &provision.provider_key);
        if !keys.insert(&provision.provider_key) {
            checks.refuse(&path("providerKey"), "another provision of the list has this key");
        }
        checks.optional_text(&path("fuelType"), provision.fuel_type.as_ref());
        checks.optional_text(&path("tariffName"), provision.tariff_name.as_ref());
        checks.optional_text(&path("supplyNumber"), provision.supply_number.as_ref());
        if let Some(address) = &provision.address {
            checks.address(&path("address"), address);
        }
        if let Some(money) = &provision.projected_spend {
            checks.money(&path("projectedSpend"), money);
        }
    }
    checks.finish()
}

impl NewProvision {
    fn of(&self, account: &Stored<Account>) -> Provision {
        Provision {
            account: account.id.clone(),
            user: account.body.user.clone(),
            provider_key: self.provider_key.clone(),
            sector: self.sector,
            fuel_type: self.fuel_type.clone(),
            tariff_name: self.tariff_name.clone(),
            supply_number: self.supply_number.clone(),
            address: self.address.clone(),
            start_date: self.start_date,
            end_date: self.end_date,
            projected_spend: self.projected_spend.clone(),
        }
    }
}
