//! Accounts.

use async_graphql::{Context, Error, ID, Object};
use tidings_graphql::{DateTime, Failure, PageArguments, result_union};

use super::{
    asking::{Asking, find, writing_own},
    batch::{Shown, shown_written},
    document::DocumentObject,
    page::{EntityListPage, ListArguments, list},
    provider::ProviderObject,
    provision::ProvisionObject,
    user::UserObject,
};
use crate::domain::{
    ACCOUNT_ROLE, AccessLevel, Account, AccountStatus, Body, Document, Money,
    PROVISIONS_PER_ACCOUNT_MAX,
};

/// An account, as it is shown.
#[derive(Clone, Debug)]
pub struct AccountObject(Shown<Account>);

impl From<Shown<Account>> for AccountObject {
    fn from(shown: Shown<Account>) -> AccountObject {
        AccountObject(shown)
    }
}

impl AccountObject {
    fn body(&self) -> &Account {
        &self.0.entity.body
    }
}

/// An account that a user holds with a provider, linked with the user's consent.
#[Object(name = "Account")]
impl AccountObject {
    /// The account's id: 24 digits of 0-9 and a-f.
    async fn id(&self) -> ID {
        ID(self.0.entity.id.clone())
    }

    /// The user who holds it.
    async fn user(&self, context: &Context<'_>) -> Result<UserObject, Error> {
        self.0.batch.user(context, &self.body().user).await.map(UserObject::from)
    }

    /// The provider with whom it is held.
    async fn provider(&self, context: &Context<'_>) -> Result<ProviderObject, Error> {
        self.0.batch.provider(context, &self.body().provider).await.map(ProviderObject)
    }

    /// What the provider calls the account; null until that is known.
    async fn reference(&self) -> Option<&str> {
        self.body().reference.as_deref()
    }

    /// How far the platform may look into it.
    async fn access_level(&self) -> AccessLevel {
        self.body().access_level
    }

    /// How far the platform has come with it.
    async fn status(&self) -> AccountStatus {
        self.body().status
    }

    /// When a collection last came to its end; null before the first.
    async fn last_collected(&self) -> Option<DateTime> {
        self.body().last_collected_at.map(DateTime)
    }

    /// When it was linked.
    async fn added(&self) -> DateTime {
        self.body().added_at.into()
    }

    /// When the account or one of its provisions was last changed.
    async fn updated(&self) -> DateTime {
        self.0.entity.updated_at.into()
    }

    /// What is supplied under it, in the order in which it was last changed.
    async fn provisions(&self, context: &Context<'_>) -> Result<Vec<ProvisionObject>, Error> {
        let Shown { entity, batch } = &self.0;
        let page = PageArguments { first: PROVISIONS_PER_ACCOUNT_MAX, after: None };
        let lists = &batch.provisions_of;
        let found = batch.hanging(context, lists, ACCOUNT_ROLE, &entity.id, page).await?;
        Ok(found.items.into_iter().map(ProvisionObject::from).collect())
    }

    /// Its documents, in the order in which they were last changed.
    async fn documents(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 200.", default = 50)] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<EntityListPage<DocumentObject>, Error> {
        let Shown { entity, batch } = &self.0;
        let page = PageArguments::parse(Document::KIND, first, after.as_deref())?;
        let lists = &batch.documents_of;
        let found = batch.hanging(context, lists, ACCOUNT_ROLE, &entity.id, page).await?;
        Ok(EntityListPage::of(found, after))
    }

    /// What the user owes the provider; negative where the provider owes; null where it is not
    /// known.
    async fn balance(&self) -> Option<&Money> {
        self.body().balance.as_ref()
    }
}

result_union! {
    /// An account, or why there is none.
    GetAccountResult(AccountObject)
}
result_union! {
    /// The account as it is now, or why its consent was not withdrawn.
    WithdrawConsentResult(AccountObject)
}

/// Queries about accounts.
#[derive(Default, Debug)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// An account. The query of a webhook that is run for `AccountDeleted`, or for the
    /// `UserDeleted` of its user, gets an account that was deleted, as it last was.
    async fn get_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The account's id.")] id: ID,
    ) -> Result<GetAccountResult, Error> {
        Ok(find(context, &id).await?.map(AccountObject).into())
    }

    /// The accounts of the application, in the order in which they were last changed.
    async fn get_accounts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this user's.")] user: Option<ID>,
        #[graphql(desc = "How many at most: 1 to 200.", default = 50)] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only what was changed then or later, with what was deleted.")]
        updated_since: Option<DateTime>,
    ) -> Result<EntityListPage<AccountObject>, Error> {
        let asking = Asking::of(context)?.map_err(Failure::into_error)?;
        let page = ListArguments { first, after, updated_since, ..ListArguments::default() };
        let arguments = ListArguments { user, ..page };
        list::<Account, _>(&asking, arguments).await
    }
}

/// Changes of accounts.
#[derive(Default, Debug)]
pub struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Withdraws the user's consent: nothing more is collected of the account, what was collected
    /// goes, as do to-dos that ask for its credentials, and the tokens that Auth Link gave for it
    /// are revoked, also the one that asks. A user's token does so with that user's own. Fires
    /// `AccountUpdated`, unless it was withdrawn before.
    async fn withdraw_consent(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The account's id.")] account: ID,
    ) -> Result<WithdrawConsentResult, Error> {
        let (writer, application) = match writing_own::<Account>(context, &account).await? {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let written = writer.withdraw_consent(application, &account).await;
        Ok(shown_written(application, written).map(AccountObject).into())
    }
}
