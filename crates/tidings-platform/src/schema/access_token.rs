//! Tokens of users, which master tokens hand out.

use async_graphql::{Context, Error, ID, Object, SimpleObject};
use tidings_core::access::{Principal, Scope, ScopeSet, TokenKind};
use tidings_graphql::{
    DateTime, Denial, Failure, OperationFailure, Problem, principal, result_union,
    viewer::{read_scopes, require},
};

use super::{batch::shown_alone, user::UserObject};
use crate::writer::{Delegation, Issued, Writer};

/// A token of a user at the one moment at which it is shown.
#[derive(SimpleObject, Debug)]
pub struct AccessToken {
    /// The token, for `Authorization: Bearer`: it is stored as a hash, and never shown again.
    token: String,
    /// What it may do.
    scope: Vec<String>,
    /// When it ends.
    expires: Option<DateTime>,
    /// Whose it is.
    user: UserObject,
}

result_union! {
    /// The user's token, or why none was made.
    AddUserAndAccessTokenResult(AccessToken)
}
result_union! {
    /// The user's token, or why none was made.
    AddAccessTokenResult(AccessToken)
}

/// Tokens of users.
#[derive(Default, Debug)]
pub struct AccessTokenMutation;

#[Object]
impl AccessTokenMutation {
    /// Adds a user to the application, with a token that sees what is that user's alone. For master
    /// tokens, public and private. Fires `UserAdded`.
    async fn add_user_and_access_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the application calls the user: 1 to 256 characters.")]
        reference: Option<String>,
        #[graphql(
            desc = "What the token may do, of what the master token hands on. Left out: all \
                          of that."
        )]
        scope: Option<Vec<String>>,
    ) -> Result<AddUserAndAccessTokenResult, Error> {
        let writer = context.data::<Writer>()?;
        let delegation = match delegation(principal(context)?, scope.as_deref()) {
            Ok(delegation) => delegation,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let issued = writer.add_user_and_access_token(delegation, reference).await;
        Ok(issued.map(|issued| shown(delegation, issued)).into())
    }

    /// Makes a token for a user who is there already. For private master tokens.
    async fn add_access_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The user's id.")] user: ID,
        #[graphql(
            desc = "What the token may do, of what the master token hands on. Left out: all \
                          of that."
        )]
        scope: Option<Vec<String>>,
    ) -> Result<AddAccessTokenResult, Error> {
        let (writer, principal) = (context.data::<Writer>()?, principal(context)?);
        if principal.kind != TokenKind::PrivateMaster {
            return Ok(Err(Failure::Denied(Denial::PrivateMasterOnly)).into());
        }
        let delegation = match delegation(principal, scope.as_deref()) {
            Ok(delegation) => delegation,
            Err(failure) => return Ok(Err(failure).into()),
        };
        let issued = writer.add_access_token(delegation, &user).await;
        Ok(issued.map(|issued| shown(delegation, issued)).into())
    }
}

fn shown(delegation: Delegation, issued: Issued) -> AccessToken {
    AccessToken {
        token: issued.token,
        scope: issued.scopes.iter().map(|scope| scope.to_string()).collect(),
        expires: Some(issued.expires.into()),
        user: shown_alone(delegation.application, issued.user).into(),
    }
}

/// What the asker hands on: what was asked for, where it has all of that itself.
fn delegation(
    principal: &Principal,
    scope: Option<&[String]>,
) -> Result<Delegation, OperationFailure> {
    if !matches!(principal.kind, TokenKind::PublicMaster | TokenKind::PrivateMaster) {
        return Err(Failure::Denied(Denial::MasterOnly).into());
    }
    let application = principal.application().ok_or(Failure::ApplicationOnly)?;
    let delegable = principal.delegable();
    if delegable == ScopeSet::NONE {
        require(principal, Scope::ReadAccounts)?;
    }
    let scopes = match scope {
        None => delegable,
        Some(texts) => asked(texts, delegable)?,
    };
    Ok(Delegation { application, scopes, ends: principal.expires_at })
}

fn asked(texts: &[String], delegable: ScopeSet) -> Result<ScopeSet, OperationFailure> {
    let mut problems = Vec::new();
    if texts.is_empty() {
        let message = "a token without scopes opens nothing: name at least one, or leave it out";
        problems.push(Problem::new("/scope", message));
    }
    let more = |scope| format!("this master token cannot hand on `{scope}`: leave it out");
    let scopes = read_scopes("/scope", texts, delegable, &mut problems, more);
    if !problems.is_empty() {
        return Err(OperationFailure::invalid(problems));
    }
    Ok(scopes)
}
