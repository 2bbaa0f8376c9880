//! Adding and changing accounts.

use async_graphql::MaybeUndefined;
use tidings_core::{ids::ApplicationId, limits, time::Wall};
use tidings_graphql::{Failure, OperationFailure, Thing};

use super::{Firing, Plan, TRIES_MAX, Writer, Written, changed_meanwhile, over};
use crate::{
    domain::{
        ACCOUNTS_PER_USER_MAX, AccessLevel, Account, AccountStatus, Checks, Consent, Money,
        Provider, Stored, USER_ROLE, User, change, new_entity_code,
    },
    triggers::Trigger,
};

/// An account that is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAccount {
    /// The id of the user who holds it.
    pub user: String,
    /// The code of the provider.
    pub provider: String,
    /// What the provider calls the account, where that is known already.
    pub reference: Option<String>,
    /// How far the platform may look.
    pub access_level: AccessLevel,
    /// What the user agreed to.
    pub consent: Consent,
}

/// What is to be changed of an account. What is left out stays.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AccountChange {
    /// How far the platform has come.
    pub status: Option<AccountStatus>,
    /// What the provider calls the account.
    pub reference: MaybeUndefined<String>,
    /// When a collection came to its end.
    pub last_collected_at: Option<Wall>,
    /// What the user owes the provider.
    pub balance: MaybeUndefined<Money>,
}

impl Writer {
    /// Adds an account that is about to be linked, and fires `AccountAdded`.
    ///
    /// # Errors
    /// `INVALID_INPUT`, `NOT_FOUND` for its user or provider, `CONFLICT` when the user has as many
    /// as there may be, or what stops the store.
    pub async fn add_account(
        &self,
        application: ApplicationId,
        new: NewAccount,
    ) -> Result<Written<Account>, OperationFailure> {
        let mut checks = Checks::default();
        checks.optional_text("/reference", new.reference.as_ref());
        checks.consent("/consent", &new.consent);
        checks.finish()?;
        let id = new_entity_code(&*self.chance);
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let user = self.referred::<User>(Some(application), &new.user, "/user").await?;
            self.referred::<Provider>(None, &new.provider, "/provider").await?;
            self.refuse_too_many_accounts(application, &user.id).await?;
            let body = Account {
                user: new.user.clone(),
                provider: new.provider.clone(),
                reference: new.reference.clone(),
                access_level: new.access_level,
                status: AccountStatus::Linking,
                last_collected_at: None,
                balance: None,
                added_at: now.wall,
                consent: new.consent.clone(),
            };
            let plan = Plan {
                changes: vec![change(Some(application), &id, None, &body)],
                expected: vec![user.expected(Some(application))],
                firings: vec![Firing::of(Trigger::AccountAdded, &id, application)],
                ..Plan::of(Stored::first(&id, now.wall, body))
            };
            if let Some(written) = self.write(now, plan).await? {
                return Ok(written);
            }
        }
        Err(changed_meanwhile::<Account>(&id))
    }

    /// All accounts of a user are shown at once, so that there must be an end to them. Two that are
    /// added at the same moment may both be the last.
    pub(super) async fn refuse_too_many_accounts(
        &self,
        application: ApplicationId,
        user: &str,
    ) -> Result<(), OperationFailure> {
        const { assert!(ACCOUNTS_PER_USER_MAX <= limits::PAGE_MAX, "they fit one page") };
        let accounts = self.hanging::<Account>(application, USER_ROLE, user).await?;
        if accounts.len() < ACCOUNTS_PER_USER_MAX {
            return Ok(());
        }
        Err(Failure::TooMany { what: Thing::Account, max: ACCOUNTS_PER_USER_MAX }.into())
    }

    /// The account that something is to be written about: nothing is any more once its consent was
    /// withdrawn.
    pub(super) async fn account_to_write(
        &self,
        application: ApplicationId,
        id: &str,
    ) -> Result<Stored<Account>, OperationFailure> {
        let account = self.existing::<Account>(Some(application), id).await?;
        if account.body.status == AccountStatus::ConsentWithdrawn {
            return Err(Failure::ConsentWithdrawn { account: account.id }.into());
        }
        Ok(account)
    }
}

impl AccountChange {
    pub(super) fn check(&self) -> Result<(), OperationFailure> {
        let mut checks = Checks::default();
        checks.optional_text("/reference", self.reference.value());
        if let Some(balance) = self.balance.value() {
            checks.money("/balance", balance);
        }
        checks.finish()
    }

    pub(super) fn over(&self, before: &Account) -> Account {
        Account {
            status: self.status.unwrap_or(before.status),
            reference: over(&self.reference, &before.reference),
            last_collected_at: self.last_collected_at.or(before.last_collected_at),
            balance: over(&self.balance, &before.balance),
            ..before.clone()
        }
    }
}
