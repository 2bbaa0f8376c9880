//! What people ask for.

use tidings_core::{
    access::{Owner, ScopeSet, TokenKind},
    application::{ApplicationSettings, Name},
    ids::{ApplicationId, EntityId, GrantId, NoticeId, WebhookId},
    secret::TokenHash,
    time::{Now, Wall},
};

/// An application that is to be.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// Its name.
    pub name: Name,
    /// What it may do.
    pub scopes: ScopeSet,
    /// How long its tokens last.
    pub token_lifetime_s: Option<u32>,
    /// What else is known of it.
    pub settings: ApplicationSettings,
}

/// A token that is to be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The hash of its text.
    pub hash: TokenHash,
    /// Whose it is.
    pub owner: Owner,
    /// What it is for: [`TokenKind::Operator`] exactly where the owner is the operator.
    pub kind: TokenKind,
    /// The user whose token it is: exactly where `kind` is [`TokenKind::User`].
    pub user: Option<EntityId>,
    /// The consent that it is issued under.
    pub grant: Option<GrantId>,
    /// What it may do; of a master token, what it may hand on.
    pub scopes: ScopeSet,
    /// When it ends.
    pub expires: Option<Now>,
}

impl NewToken {
    /// An owner's own token, which lasts until it is revoked.
    #[must_use]
    pub fn own(hash: TokenHash, owner: Owner, scopes: ScopeSet) -> NewToken {
        let kind = TokenKind::own(&owner);
        NewToken { hash, owner, kind, user: None, grant: None, scopes, expires: None }
    }
}

/// Tokens that open nothing any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Revocation {
    /// All that were issued under one consent.
    Grant {
        /// Whose.
        application: ApplicationId,
        /// Which consent.
        grant: GrantId,
    },
    /// All of one user.
    User {
        /// Whose.
        application: ApplicationId,
        /// Which user.
        user: EntityId,
    },
}

/// A message to an owner: the webhook was disabled, deliveries were exhausted. One of the same
/// webhook, kind and text within an hour (of elapsed time) after the first is counted on it, keeps
/// its id, and moves `last_at`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Its number; grows with time.
    pub id: NoticeId,
    /// Whose it is.
    pub application: ApplicationId,
    /// The webhook that it is about.
    pub webhook: WebhookId,
    /// What happened.
    pub kind: NoticeKind,
    /// The same, for people.
    pub text: String,
    /// How often it happened.
    pub count: u64,
    /// When it first happened.
    pub first_at: Wall,
    /// When it last happened.
    pub last_at: Wall,
}

/// What a notice is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NoticeKind {
    /// The receiver answered 410.
    WebhookDisabled,
    /// The query cannot run as things are.
    WebhookHeld,
    /// Deliveries were exhausted.
    DeliveryExhausted,
}

/// What a replay sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replay {
    /// What was frozen, where something was.
    Frozen,
    /// What the query gives now.
    Fresh,
}
