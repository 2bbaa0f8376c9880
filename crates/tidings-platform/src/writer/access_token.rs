//! Tokens of users, which master tokens hand out. Each comes in one commit with its user, or with
//! the proof that the user is still there.

use tidings_core::{
    access::{Owner, ScopeSet, TokenKind},
    ids::ApplicationId,
    limits::USER_TOKEN_LIFETIME_S,
    secret::{TokenHash, token_text},
    time::{Now, SECOND_MS, Wall},
};
use tidings_graphql::OperationFailure;
use tidings_store::NewToken;

use super::{Committed, Plan, TRIES_MAX, Writer, changed_meanwhile, stopped, user};
use crate::domain::{Checks, Stored, User, new_entity_code};

/// What a master token hands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delegation {
    /// The application whose token it is.
    pub application: ApplicationId,
    /// What the new token may do.
    pub scopes: ScopeSet,
    /// When the master token ends: no token that it made outlasts it.
    pub ends: Option<Wall>,
}

/// A token at the one moment at which its text is known.
#[derive(Clone, PartialEq, Debug)]
pub struct Issued {
    /// What the user's client sends.
    pub token: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// When it ends.
    pub expires: Wall,
    /// Whose it is.
    pub user: Stored<User>,
}

impl Writer {
    /// Adds a user with a token, and fires `UserAdded`: one commit.
    ///
    /// # Errors
    /// `INVALID_INPUT`, or what stops the store.
    pub async fn add_user_and_access_token(
        &self,
        delegation: Delegation,
        reference: Option<String>,
    ) -> Result<Issued, OperationFailure> {
        let mut checks = Checks::default();
        checks.optional_text("/reference", reference.as_ref());
        checks.finish()?;
        let id = new_entity_code(&*self.chance);
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let reference = reference.clone();
            let body = User { tenant_id: None, reference, added_at: now.wall };
            let plan = user::plan(delegation.application, &id, None, now, body);
            if let Some(issued) = self.issue(now, delegation, plan).await? {
                return Ok(issued);
            }
        }
        Err(changed_meanwhile::<User>(&id))
    }

    /// Issues a token for a user who is there.
    ///
    /// # Errors
    /// `NOT_FOUND`, or what stops the store.
    pub async fn add_access_token(
        &self,
        delegation: Delegation,
        user: &str,
    ) -> Result<Issued, OperationFailure> {
        let owner = Some(delegation.application);
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let user = self.existing::<User>(owner, user).await?;
            let plan = Plan { expected: vec![user.expected(owner)], ..Plan::of(user) };
            if let Some(issued) = self.issue(now, delegation, plan).await? {
                return Ok(issued);
            }
        }
        Err(changed_meanwhile::<User>(user))
    }

    /// `None`: the user was changed by someone else, so read and plan again.
    async fn issue(
        &self,
        now: Now,
        delegation: Delegation,
        mut plan: Plan<Stored<User>>,
    ) -> Result<Option<Issued>, OperationFailure> {
        let mut random = [0; 32];
        self.chance.fill(&mut random);
        let token = token_text(random);
        let expires = self.end(now, delegation).await?;
        let user = plan.made.id.parse().expect("24 hexadecimal digits are an entity's id");
        plan.tokens.push(NewToken {
            kind: TokenKind::User,
            user: Some(user),
            expires: Some(expires),
            ..NewToken::own(
                TokenHash::of(&token),
                Owner::Application(delegation.application),
                delegation.scopes,
            )
        });
        let Committed::Done(_) = self.commit(now, &plan).await? else {
            return Ok(None);
        };
        let (scopes, expires) = (delegation.scopes, expires.wall);
        Ok(Some(Issued { token, scopes, expires, user: plan.made }))
    }

    /// When the token ends: after the time that its application set, and never after the token that
    /// made it.
    async fn end(&self, now: Now, delegation: Delegation) -> Result<Now, OperationFailure> {
        let catalog = self.store.catalog().await.map_err(|error| stopped(&error))?;
        let application = catalog.application(delegation.application);
        let lifetime_s = application.and_then(|it| it.token_lifetime_s);
        let own_ms = u64::from(lifetime_s.unwrap_or(USER_TOKEN_LIFETIME_S)) * SECOND_MS;
        let left = delegation.ends.map(|ends| ends.0.saturating_sub(now.wall.0));
        let left_ms = left.map_or(own_ms, |left| u64::try_from(left).unwrap_or(0));
        Ok(now.plus_ms(own_ms.min(left_ms)))
    }
}
