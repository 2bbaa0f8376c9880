//! Who is asking, and what they may do.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    application::{Application, Name},
    ids::{ApplicationId, EntityId, GrantId, TokenId},
    secret::TokenHash,
    time::{Elapsed, Now, Wall},
};

/// One right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Scope {
    /// Fire triggers.
    #[serde(rename = "fire:triggers")]
    FireTriggers,
    /// Add, change and remove webhooks; preview, test, replay.
    #[serde(rename = "manage:webhooks")]
    ManageWebhooks,
    /// See events, deliveries and attempts.
    #[serde(rename = "read:deliveries")]
    ReadDeliveries,
    /// See and change users, accounts and what hangs on them.
    #[serde(rename = "read:accounts")]
    ReadAccounts,
    /// Download documents.
    #[serde(rename = "download:documents")]
    DownloadDocuments,
    /// Everything; the operator's tokens alone have it.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Scope; 6] = [
        Scope::FireTriggers,
        Scope::ManageWebhooks,
        Scope::ReadDeliveries,
        Scope::ReadAccounts,
        Scope::DownloadDocuments,
        Scope::Admin,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::FireTriggers => "fire:triggers",
            Scope::ManageWebhooks => "manage:webhooks",
            Scope::ReadDeliveries => "read:deliveries",
            Scope::ReadAccounts => "read:accounts",
            Scope::DownloadDocuments => "download:documents",
            Scope::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Scope, ScopeError> {
        Scope::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| ScopeError { text: text.chars().take(64).collect() })
    }
}

/// A text that is no scope.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{text}` is not a scope: there are fire:triggers, manage:webhooks, \
     read:deliveries, read:accounts, download:documents and admin"
)]
pub struct ScopeError {
    /// What was given, cut to 64 characters.
    pub text: String,
}

/// A set of scopes, in a fixed order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// None at all.
    pub const NONE: ScopeSet = ScopeSet(0);

    /// All that an application can have: everything but [`Scope::Admin`].
    #[must_use]
    pub fn for_applications() -> ScopeSet {
        Scope::ALL.into_iter().filter(|scope| *scope != Scope::Admin).collect()
    }

    /// All that a user's token can have, and that a master token can hand on.
    #[must_use]
    pub fn for_users() -> ScopeSet {
        [Scope::ReadAccounts, Scope::DownloadDocuments].into_iter().collect()
    }

    /// Whether the scope is in it. [`Scope::Admin`] contains all others.
    #[must_use]
    pub fn allows(self, scope: Scope) -> bool {
        self.has(Scope::Admin) || self.has(scope)
    }

    /// Whether every scope of `other` is allowed by this set.
    #[must_use]
    pub fn covers(self, other: ScopeSet) -> bool {
        other.iter().all(|scope| self.allows(scope))
    }

    /// The scopes that are in both.
    #[must_use]
    pub fn and(self, other: ScopeSet) -> ScopeSet {
        ScopeSet(self.0 & other.0)
    }

    /// The scopes, in their fixed order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> ScopeSet {
        ScopeSet(scopes.into_iter().fold(0, |set, scope| set | (1 << scope as u8)))
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ScopeSet, D::Error> {
        Ok(Vec::<Scope>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// Whose a token is.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Owner {
    /// The one who runs this installation.
    Operator,
    /// A client application.
    Application(ApplicationId),
}

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TokenKind {
    /// It is the operator's.
    Operator,
    /// It is an application's own.
    Application,
    /// An application's, kept on its servers: it makes tokens of users, and sees all of them.
    PrivateMaster,
    /// An application's, given to its users' devices: it makes new users with their tokens, and
    /// sees nothing.
    PublicMaster,
    /// An application's, for one of its users.
    User,
}

impl TokenKind {
    /// The kind of an owner's own tokens.
    #[must_use]
    pub fn own(owner: &Owner) -> TokenKind {
        match owner {
            Owner::Operator => TokenKind::Operator,
            Owner::Application(_) => TokenKind::Application,
        }
    }

    /// The most that a token of this kind may have, of what its owner has.
    #[must_use]
    pub fn scopes_max(self) -> ScopeSet {
        match self {
            TokenKind::Operator => [Scope::Admin].into_iter().collect(),
            TokenKind::Application => ScopeSet::for_applications(),
            TokenKind::PrivateMaster | TokenKind::PublicMaster | TokenKind::User => {
                ScopeSet::for_users()
            }
        }
    }
}

/// A token as it is stored: not its text, only the hash of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// Its number, to revoke it by.
    pub id: TokenId,
    /// The hash of its text.
    pub hash: TokenHash,
    /// Whose it is.
    pub owner: Owner,
    /// What it is for.
    pub kind: TokenKind,
    /// The application's user whose token it is: there is one exactly where `kind` says so.
    pub user: Option<EntityId>,
    /// The consent that it was issued under.
    pub grant: Option<GrantId>,
    /// What it may do; of a master token, what it may hand on.
    pub scopes: ScopeSet,
    /// When it was issued.
    pub added_at: Wall,
    /// When it ends: the moment that decides, and the date that people see.
    pub expires: Option<Now>,
    /// When it was revoked.
    pub revoked_at: Option<Wall>,
}

impl Token {
    /// Whether the token still opens anything.
    #[must_use]
    pub fn is_valid(&self, now: Elapsed) -> bool {
        self.revoked_at.is_none() && self.expires.is_none_or(|expires| now < expires.elapsed)
    }

    /// Who asks with it: its owner, an application, with what that still has of the token's scopes.
    #[must_use]
    pub fn principal(&self, application: &Application) -> Principal {
        Principal {
            owner: self.owner.clone(),
            kind: self.kind,
            user: self.user.clone(),
            application_name: Some(application.name.clone()),
            scopes: self.scopes.and(application.scopes),
            expires_at: self.expires.map(|expires| expires.wall),
        }
    }
}

/// Who is asking: the owner of a valid token with what it may do.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Principal {
    /// Whose token it is.
    pub owner: Owner,
    /// What the token is for.
    pub kind: TokenKind,
    /// The user whose token it is, where it is a user's.
    pub user: Option<EntityId>,
    /// The application's name, where an application asks.
    pub application_name: Option<Name>,
    /// What it may do: the token's scopes, as far as the application still has them.
    pub scopes: ScopeSet,
    /// When the token ends, if it does.
    pub expires_at: Option<Wall>,
}

impl Principal {
    /// The application that is asking; `None` for the operator.
    #[must_use]
    pub fn application(&self) -> Option<ApplicationId> {
        match self.owner {
            Owner::Operator => None,
            Owner::Application(id) => Some(id),
        }
    }

    /// Whether what belongs to `application` may be seen. What belongs to one of its users may be
    /// seen where [`Principal::sees_user`] says so too.
    #[must_use]
    pub fn sees(&self, application: ApplicationId) -> bool {
        self.application().is_none_or(|own| own == application)
    }

    /// Whether the owner itself asks: nobody else may manage webhooks and tokens, see deliveries,
    /// or fire triggers, whatever the scopes say.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        matches!(self.kind, TokenKind::Operator | TokenKind::Application)
    }

    /// Whether what belongs to any user of the application may be seen.
    #[must_use]
    pub fn sees_all_users(&self) -> bool {
        self.is_owner() || self.kind == TokenKind::PrivateMaster
    }

    /// Whether what belongs to this user of the application may be seen.
    #[must_use]
    pub fn sees_user(&self, user: &str) -> bool {
        let is_own = || self.user.as_ref().is_some_and(|own| own.as_str() == user);
        self.sees_all_users() || (self.kind == TokenKind::User && is_own())
    }

    /// What a master token may hand on to a user's; nothing where it is none.
    #[must_use]
    pub fn delegable(&self) -> ScopeSet {
        match self.kind {
            TokenKind::PrivateMaster | TokenKind::PublicMaster => {
                self.scopes.and(ScopeSet::for_users())
            }
            TokenKind::Operator | TokenKind::Application | TokenKind::User => ScopeSet::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_allows_everything_and_the_rest_only_itself() {
        let admin: ScopeSet = [Scope::Admin].into_iter().collect();
        let fire: ScopeSet = [Scope::FireTriggers].into_iter().collect();
        assert!(Scope::ALL.into_iter().all(|scope| admin.allows(scope)));
        assert!(fire.allows(Scope::FireTriggers) && !fire.allows(Scope::ManageWebhooks));
        assert!(admin.covers(ScopeSet::for_applications()) && !fire.covers(admin));
    }

    #[test]
    fn each_kind_of_token_sees_the_users_that_it_is_for() {
        let principal = |kind, user: Option<&str>| Principal {
            owner: Owner::Application(ApplicationId(1)),
            kind,
            user: user.map(|id| id.parse().unwrap()),
            application_name: Some("acme".parse().unwrap()),
            scopes: ScopeSet::for_applications(),
            expires_at: None,
        };
        let users = ScopeSet::for_users();
        for (kind, user, is_owner, sees_all, sees, delegable) in [
            (TokenKind::Operator, None, true, true, true, ScopeSet::NONE),
            (TokenKind::Application, None, true, true, true, ScopeSet::NONE),
            (TokenKind::PrivateMaster, None, false, true, true, users),
            (TokenKind::PublicMaster, None, false, false, false, users),
            (TokenKind::User, Some("u"), false, false, true, ScopeSet::NONE),
            (TokenKind::User, Some("v"), false, false, false, ScopeSet::NONE),
            (TokenKind::User, None, false, false, false, ScopeSet::NONE),
        ] {
            let one = principal(kind, user);
            let found = (one.is_owner(), one.sees_all_users(), one.sees_user("u"));
            assert_eq!(
                (found, one.delegable()),
                ((is_owner, sees_all, sees), delegable),
                "{one:?}"
            );
            assert_eq!(TokenKind::own(&one.owner), TokenKind::Application);
        }
        assert!(ScopeSet::for_applications().covers(TokenKind::PublicMaster.scopes_max()));
    }

    #[test]
    fn scopes_are_written_and_read_by_their_names() {
        let set = ScopeSet::for_applications();
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<ScopeSet>(&text).unwrap(), set);
        assert!("Admin".parse::<Scope>().is_err());
    }
}
