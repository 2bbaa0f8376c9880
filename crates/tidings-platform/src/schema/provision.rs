//! Provisions.

use async_graphql::{Context, Error, ID, Object};
use tidings_graphql::{DateTime, Failure};

use super::{
    account::AccountObject,
    asking::Asking,
    batch::Shown,
    page::{EntityListPage, ListArguments, list},
};
use crate::domain::{Address, Money, Provision, Sector};

/// A provision, as it is shown.
#[derive(Clone, Debug)]
pub struct ProvisionObject(Shown<Provision>);

impl From<Shown<Provision>> for ProvisionObject {
    fn from(shown: Shown<Provision>) -> ProvisionObject {
        ProvisionObject(shown)
    }
}

impl ProvisionObject {
    fn body(&self) -> &Provision {
        &self.0.entity.body
    }
}

/// Something that a provider supplies under an account, such as gas at an address.
#[Object(name = "Provision")]
impl ProvisionObject {
    /// The provision's id: 24 digits of 0-9 and a-f.
    async fn id(&self) -> ID {
        ID(self.0.entity.id.clone())
    }

    /// The account under which it is supplied.
    async fn account(&self, context: &Context<'_>) -> Result<AccountObject, Error> {
        self.0.batch.account(context, &self.body().account).await.map(AccountObject::from)
    }

    /// What is supplied.
    async fn sector(&self) -> Sector {
        self.body().sector
    }

    /// Which fuel, as the provider calls it.
    async fn fuel_type(&self) -> Option<&str> {
        self.body().fuel_type.as_deref()
    }

    /// The tariff.
    async fn tariff_name(&self) -> Option<&str> {
        self.body().tariff_name.as_deref()
    }

    /// The number of the supply point, meter or line.
    async fn supply_number(&self) -> Option<&str> {
        self.body().supply_number.as_deref()
    }

    /// Where it is supplied.
    async fn address(&self) -> Option<&Address> {
        self.body().address.as_ref()
    }

    /// Since when it is supplied.
    async fn start_date(&self) -> Option<DateTime> {
        self.body().start_date.map(DateTime)
    }

    /// Until when it is supplied.
    async fn end_date(&self) -> Option<DateTime> {
        self.body().end_date.map(DateTime)
    }

    /// What a year will cost.
    async fn projected_spend(&self) -> Option<&Money> {
        self.body().projected_spend.as_ref()
    }

    /// When anything about the provision was last changed.
    async fn updated(&self) -> DateTime {
        self.0.entity.updated_at.into()
    }
}

/// Queries about provisions.
#[derive(Default, Debug)]
pub struct ProvisionQuery;

#[Object]
impl ProvisionQuery {
    /// The provisions of the application, in the order in which they were last changed.
    #[allow(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn get_provisions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this account's.")] account: Option<ID>,
        #[graphql(desc = "Only this user's.")] user: Option<ID>,
        #[graphql(desc = "How many at most: 1 to 200.", default = 50)] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only what was changed then or later, with what was deleted.")]
        updated_since: Option<DateTime>,
    ) -> Result<EntityListPage<ProvisionObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        let arguments = ListArguments { first, after, updated_since, user, account, done: None };
        list::<Provision, _>(&asking, arguments).await
    }
}
