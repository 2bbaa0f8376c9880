//! Tokens. What may be added and revoked with which token:
//!
//! - the operator's, with `admin`: any kind of token that is offered, for itself or any
//!   application, and revokes any
//! - an application's, with `manage:webhooks`: further tokens of the same application, with no
//!   scope that it lacks itself and no longer life than its own; it revokes those of its
//!   application

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tidings_core::{
    access::{Owner, Principal, Scope, ScopeSet},
    application::Application,
    ids::TokenId,
    secret::TokenHash,
    time::{Now, SECOND_MS, Wall},
};
use tidings_graphql::{DateTime, Failure, OperationFailure, Problem, Thing};
use tidings_store::{NewToken, Page};

use super::{
    asker::{Asker, invalid, not_found, parse_id, store_failure, write_failure},
    result_union,
};

/// What a token's text begins with, so that scanners for leaked secrets know it.
const PREFIX: &str = "tidings_";

/// What a token is for.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// It is the operator's.
    Operator,
    /// It is an application's.
    Application,
    /// An application's, for all of its users. Not offered by this server.
    PrivateMaster,
    /// An application's, for use on its users' devices. Not offered by this server.
    PublicMaster,
    /// An application's, for one of its users. Not offered by this server.
    User,
}

/// A token that is to be.
#[derive(InputObject, Clone, Debug)]
pub struct AddTokenInput {
    /// The application that will own it; left out for an operator's token.
    pub application: Option<String>,
    /// What it is for: `OPERATOR` or `APPLICATION`.
    pub kind: TokenKind,
    /// What it may do: at least one scope.
    pub scopes: Vec<String>,
    /// Seconds that it lasts. Left out: as long as its application's tokens do, or for ever.
    pub lifetime_s: Option<i32>,
    /// The user whose token it is. Not offered by this server.
    pub user: Option<ID>,
}

/// A token at the one moment at which it is shown.
#[derive(SimpleObject, Clone, Debug)]
pub struct TokenAdded {
    /// Its number, to revoke it by.
    pub id: ID,
    /// The token: it is stored as a hash, and never shown again.
    pub token: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it ends; null: never.
    pub expires: Option<DateTime>,
}

/// A token that opens nothing any more.
#[derive(SimpleObject, Clone, Debug)]
pub struct TokenRevoked {
    /// Its number.
    pub id: ID,
    /// When it was revoked.
    pub revoked: DateTime,
}

result_union!(
    /// The token that was added, or why not.
    AddTokenResult,
    TokenAdded
);
result_union!(
    /// The token that was revoked, or why not.
    RevokeTokenResult,
    TokenRevoked
);

/// Mutations of tokens.
#[derive(Default, Debug)]
pub struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Adds a token and shows it, once. The operator adds any; an application's token with
    /// `manage:webhooks` adds tokens of its own application that may do no more and last no longer
    /// than itself.
    async fn add_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token that is to be.")] input: AddTokenInput,
    ) -> AddTokenResult {
        add(context, &input).await.into()
    }

    /// Revokes a token: it opens nothing any more. Revoking it again changes nothing.
    async fn revoke_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its number.")] id: ID,
    ) -> RevokeTokenResult {
        revoke(context, &id).await.into()
    }
}

async fn add(context: &Context<'_>, input: &AddTokenInput) -> Result<TokenAdded, OperationFailure> {
    let asker = Asker::with(context, &[])?;
    let application = match input.kind {
        TokenKind::Operator => {
            Asker::operator(context)?;
            if input.application.is_some() {
                let message = "an operator's token belongs to no application: leave it out";
                return Err(invalid("/input/application", message));
            }
            None
        }
        TokenKind::Application => Some(owner(context, &asker, input).await?),
        TokenKind::PrivateMaster | TokenKind::PublicMaster | TokenKind::User => {
            let what = async_graphql::resolver_utils::enum_value(input.kind).to_string();
            return Err(Failure::NotSupported { what }.into());
        }
    };
    if input.user.is_some() {
        return Err(Failure::NotSupported { what: "user".to_owned() }.into());
    }
    let mut problems = Vec::new();
    let scopes = scopes(asker.principal, application.as_deref(), input, &mut problems);
    let expires = expires(&asker, application.as_deref(), input.lifetime_s, &mut problems);
    if !problems.is_empty() {
        return Err(OperationFailure::invalid(problems));
    }
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(asker.api.random::<32>()));
    let owner = application.map_or(Owner::Operator, |one| Owner::Application(one.id));
    let new = NewToken { hash: TokenHash::of(&text), owner, scopes, expires };
    let added = asker.api.store.add_token(asker.now(), new).await;
    let added = added.map_err(|error| write_failure(Thing::Token, "/input", error))?;
    Ok(TokenAdded {
        id: added.id.to_string().into(),
        token: text,
        scopes: added.scopes.iter().map(|scope| scope.to_string()).collect(),
        expires: added.expires.map(|expires| expires.wall.into()),
    })
}

/// The application of a token that is to be: the one that is named, or the asker's own.
async fn owner(
    context: &Context<'_>,
    asker: &Asker<'_>,
    input: &AddTokenInput,
) -> Result<std::sync::Arc<Application>, OperationFailure> {
    let own = asker.principal.application_name.as_ref();
    if own.is_none() {
        Asker::operator(context)?;
    } else {
        Asker::with(context, &[Scope::ManageWebhooks])?;
    }
    match input.application.as_deref().or(own.map(|name| name.as_str())) {
        Some(name) => asker.application(name).await,
        None => Err(invalid("/input/application", "name the application that will own the token")),
    }
}

fn scopes(
    asker: &Principal,
    application: Option<&Application>,
    input: &AddTokenInput,
    problems: &mut Vec<Problem>,
) -> ScopeSet {
    let own = if asker.application().is_some() { Some(asker.scopes) } else { None };
    let all = application.map_or([Scope::Admin].into_iter().collect(), |one| one.scopes);
    let all = own.map_or(all, |own| all.and(own));
    let texts = &input.scopes;
    if texts.is_empty() {
        let message = "a token without scopes opens nothing: name at least one";
        problems.push(Problem::new("/input/scopes", message));
    }
    let mut scopes = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let path = format!("/input/scopes/{index}");
        match text.parse::<Scope>() {
            Ok(scope) if all.allows(scope) => scopes.push(scope),
            Ok(scope) => {
                let message = format!("`{scope}` is more than can be given here: leave it out");
                problems.push(Problem::new(path, message));
            }
            Err(error) => problems.push(Problem::new(path, error.to_string())),
        }
    }
    scopes.into_iter().collect()
}

/// When the token ends: after its own time, its application's, and never after the token that added
/// it.
fn expires(
    asker: &Asker<'_>,
    application: Option<&Application>,
    given_s: Option<i32>,
    problems: &mut Vec<Problem>,
) -> Option<Now> {
    let now = asker.now();
    let max_s = application.and_then(|one| one.token_lifetime_s);
    let lifetime_s = match given_s.map(u32::try_from) {
        None => max_s,
        Some(Ok(given)) if given > 0 && max_s.is_none_or(|max| given <= max) => Some(given),
        Some(_) => {
            let most = max_s.map_or(String::new(), |max| format!(", at most {max}"));
            let message = format!("a token lasts at least a second{most}");
            problems.push(Problem::new("/input/lifetimeS", message));
            None
        }
    };
    let own_ms = asker.principal.expires_at.filter(|_| asker.principal.application().is_some());
    let own_ms = own_ms.map(|at| u64::try_from(at.0.saturating_sub(now.wall.0)).unwrap_or(0));
    let asked_ms = lifetime_s.map(|seconds| u64::from(seconds) * SECOND_MS);
    let ms = [own_ms, asked_ms].into_iter().flatten().min()?;
    let wall = Wall(now.wall.0.saturating_add_unsigned(ms));
    Some(Now { wall, elapsed: now.elapsed.plus_ms(ms) })
}

async fn revoke(context: &Context<'_>, id: &ID) -> Result<TokenRevoked, OperationFailure> {
    let asker = Asker::with(context, &[])?;
    let number: TokenId = parse_id(Thing::Token, id)?;
    match asker.principal.application() {
        None => {
            Asker::operator(context)?;
        }
        Some(own) => {
            Asker::with(context, &[Scope::ManageWebhooks])?;
            let after = (number.0 > 1).then(|| TokenId(number.0 - 1));
            let found = asker.api.store.tokens(Some(own), Page { first: 1, after }).await;
            let found = found.map_err(store_failure)?;
            if found.items.first().map(|token| token.id) != Some(number) {
                return Err(not_found(Thing::Token, id));
            }
        }
    }
    let revoked = asker.api.store.revoke_token(asker.now(), number).await;
    asker.api.tokens.forget();
    let revoked = revoked.map_err(|error| write_failure(Thing::Token, "/id", error))?;
    let at = revoked.revoked_at.unwrap_or(asker.now().wall);
    Ok(TokenRevoked { id: id.clone(), revoked: at.into() })
}
