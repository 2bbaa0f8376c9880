//! An account that a user holds with a provider.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use tidings_core::time::Wall;
use tidings_graphql::{AccessLevel, Thing};
use tidings_store::Link;

use super::{
    energy_switch::Money,
    stored::{Body, USER_ROLE, link},
};

/// Accounts that one user may hold: all of them are shown at once.
pub const ACCOUNTS_PER_USER_MAX: usize = 200;

/// An account with a provider, linked with its user's consent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Account {
    /// The id of the user who holds it.
    pub user: String,
    /// The code of the provider.
    pub provider: String,
    /// What the provider calls the account.
    pub reference: Option<String>,
    /// How far the platform may look.
    pub access_level: AccessLevel,
    /// How far the platform has come.
    pub status: AccountStatus,
    /// When a collection last came to its end.
    pub last_collected_at: Option<Wall>,
    /// What the user owes the provider; negative where the provider owes.
    pub balance: Option<Money>,
    /// When it was linked.
    pub added_at: Wall,
    /// What the user agreed to. It is kept as evidence and shown nowhere.
    pub consent: Consent,
}

impl Body for Account {
    const KIND: &'static str = "Account";
    const THING: Thing = Thing::Account;

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

/// What a user agreed to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// The words that the user saw.
    pub text: String,
    /// When the user agreed.
    pub given_at: Wall,
    /// Until when it holds; `None`: until it is withdrawn.
    pub until: Option<Wall>,
}

/// How far the platform has come with an account.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountStatus {
    /// The credentials are about to be tried.
    Linking,
    /// The account's data is being collected.
    Collecting,
    /// What could be collected is here.
    UpToDate,
    /// The provider refused the credentials: the user must renew them.
    CredentialsRejected,
    /// The user withdrew the consent: nothing more is collected.
    ConsentWithdrawn,
    /// The account's data could not be collected.
    Failed,
}

impl AccountStatus {
    /// Its name in the schema.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AccountStatus::Linking => "LINKING",
            AccountStatus::Collecting => "COLLECTING",
            AccountStatus::UpToDate => "UP_TO_DATE",
            AccountStatus::CredentialsRejected => "CREDENTIALS_REJECTED",
            AccountStatus::ConsentWithdrawn => "CONSENT_WITHDRAWN",
            AccountStatus::Failed => "FAILED",
        }
    }
}
