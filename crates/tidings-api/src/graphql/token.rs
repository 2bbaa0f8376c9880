//! Tokens. What may be added and revoked with which token:
//!
//! - the operator's, with `admin`: any kind of token, for itself or any application, and revokes
//!   any
//! - an application's, with `manage:webhooks`: further tokens of the same application, with no
//!   scope that it lacks itself and no longer life than its own; it revokes those of its
//!   application

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use tidings_core::{
    access::{Owner, Principal, ScopeSet, TokenKind as Kind},
    application::Application,
    ids::{EntityId, TokenId},
    limits::USER_TOKEN_LIFETIME_S,
    secret::{TokenHash, token_text},
    time::{Now, SECOND_MS},
};
use tidings_graphql::{
    DateTime, Failure, OperationFailure, Problem, Thing, result_union, viewer::read_scopes,
};
use tidings_store::{Append, AppendError, EntityExpectation, NewToken, Page};

use super::asker::{Asker, invalid, not_found, parse_id, store_failure, write_failure};

/// The kind of entity that users are.
const USER: &str = "User";

/// What a token is for.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "Kind")]
pub enum TokenKind {
    /// It is the operator's.
    Operator,
    /// It is an application's own.
    Application,
    /// An application's, kept on its servers: it makes tokens of its users, new and old, and reads
    /// all that is theirs.
    PrivateMaster,
    /// An application's, given to its users' devices: it makes new users with their tokens, and
    /// reads nothing.
    PublicMaster,
    /// An application's, for one of its users: it reads what is theirs.
    User,
}

/// A token that is to be.
#[derive(InputObject, Clone, Debug)]
pub struct AddTokenInput {
    /// The application that will own it; left out for an operator's token.
    pub application: Option<String>,
    /// What it is for.
    pub kind: TokenKind,
    /// What it may do, or hand on where it is a master token: at least one scope. Master tokens and
    /// users' have `read:accounts` and `download:documents` at most.
    pub scopes: Vec<String>,
    /// Seconds that it lasts. Left out: as long as its application's tokens do; else a user's an
    /// hour, and others for ever.
    pub lifetime_s: Option<i32>,
    /// The user whose token it is, where it is a user's.
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

result_union! {
    /// The token that was added, or why not.
    AddTokenResult(TokenAdded)
}
result_union! {
    /// The token that was revoked, or why not.
    RevokeTokenResult(TokenRevoked)
}

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
    let asker = match input.kind {
        TokenKind::Operator => Asker::operator(context)?,
        _ => Asker::managing(context)?,
    };
    let application = match input.kind {
        TokenKind::Operator => {
            if input.application.is_some() {
                let message = "an operator's token belongs to no application: leave it out";
                return Err(invalid("/input/application", message));
            }
            None
        }
        _ => Some(owner(&asker, input).await?),
    };
    let mut problems = Vec::new();
    let user = user(&asker, application.as_deref(), input, &mut problems).await?;
    let scopes = scopes(asker.principal, application.as_deref(), input, &mut problems);
    let expires = expires(&asker, application.as_deref(), input, &mut problems);
    if !problems.is_empty() {
        return Err(OperationFailure::invalid(problems));
    }
    let text = token_text(asker.api.random::<32>());
    let owner = application.map_or(Owner::Operator, |one| Owner::Application(one.id));
    let own = NewToken::own(TokenHash::of(&text), owner, scopes);
    let kind = Kind::from(input.kind);
    let new = NewToken { kind, user: user.as_ref().map(|it| it.id.clone()), expires, ..own };
    let id = keep(&asker, new, user).await?;
    Ok(TokenAdded {
        id: id.to_string().into(),
        token: text,
        scopes: scopes.iter().map(|scope| scope.to_string()).collect(),
        expires: expires.map(|expires| expires.wall.into()),
    })
}

/// The user of a token that is to be, as it was read.
struct Read {
    id: EntityId,
    expected: EntityExpectation,
}

async fn user(
    asker: &Asker<'_>,
    application: Option<&Application>,
    input: &AddTokenInput,
    problems: &mut Vec<Problem>,
) -> Result<Option<Read>, OperationFailure> {
    let is_for_user = input.kind == TokenKind::User;
    let (application, text) = match (application, &input.user) {
        (Some(application), Some(user)) if is_for_user => (application.id, user),
        (_, None) if is_for_user => {
            problems.push(Problem::new("/input/user", "name the user whose token it will be"));
            return Ok(None);
        }
        (_, None) => return Ok(None),
        (_, Some(_)) => {
            let message = "only a token of the kind `USER` has a user: leave it out";
            problems.push(Problem::new("/input/user", message));
            return Ok(None);
        }
    };
    let id: EntityId = parse_id(Thing::User, text)?;
    let found = asker.api.store.entities(Some(application), USER, vec![id.to_string()]).await;
    let found = found.map_err(store_failure)?.pop().filter(|user| !user.deleted);
    let version = found.ok_or_else(|| not_found(Thing::User, text))?.version;
    let (kind, application) = (USER.to_owned(), Some(application));
    let expected = EntityExpectation { application, kind, id: id.to_string(), version };
    Ok(Some(Read { id, expected }))
}

/// Adds the token. A user's comes in one commit with the proof that the user is still there.
async fn keep(
    asker: &Asker<'_>,
    new: NewToken,
    user: Option<Read>,
) -> Result<TokenId, OperationFailure> {
    let store = &asker.api.store;
    let Some(user) = user else {
        let added = store.add_token(asker.now(), new).await;
        return Ok(added.map_err(|error| write_failure(Thing::Token, "/input", error))?.id);
    };
    let changed = || Failure::ChangedMeanwhile { what: Thing::User, id: user.id.to_string() };
    let version = store.catalog().await.map_err(store_failure)?.version();
    let (hash, expected) = (new.hash, vec![user.expected.clone()]);
    let append = Append { tokens: vec![new], expected, ..Append::of(version, Vec::new()) };
    match asker.api.ingest.append(asker.now(), append).await {
        Ok(_) => {}
        Err(AppendError::Store(error)) => return Err(store_failure(error)),
        Err(_) => return Err(changed().into()),
    }
    let added = store.token(hash).await.map_err(store_failure)?;
    Ok(added.ok_or_else(changed)?.id)
}

/// The application of a token that is to be: the one that is named, or the asker's own.
async fn owner(
    asker: &Asker<'_>,
    input: &AddTokenInput,
) -> Result<std::sync::Arc<Application>, OperationFailure> {
    let own = asker.principal.application_name.as_ref();
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
    let most = Kind::from(input.kind).scopes_max();
    let all = application.map_or(most, |one| one.scopes.and(most));
    let all = own.map_or(all, |own| all.and(own));
    let texts = &input.scopes;
    if texts.is_empty() {
        let message = "a token without scopes opens nothing: name at least one";
        problems.push(Problem::new("/input/scopes", message));
    }
    let more = |scope| format!("`{scope}` is more than can be given here: leave it out");
    read_scopes("/input/scopes", texts, all, problems, more)
}

/// When the token ends: after its own time, its application's, and never after the token that added
/// it.
fn expires(
    asker: &Asker<'_>,
    application: Option<&Application>,
    input: &AddTokenInput,
    problems: &mut Vec<Problem>,
) -> Option<Now> {
    let now = asker.now();
    let max_s = application.and_then(|one| one.token_lifetime_s);
    let is_for_user = input.kind == TokenKind::User;
    let lifetime_s = match input.lifetime_s.map(u32::try_from) {
        None => max_s.or(is_for_user.then_some(USER_TOKEN_LIFETIME_S)),
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
    Some(now.plus_ms(ms))
}

async fn revoke(context: &Context<'_>, id: &ID) -> Result<TokenRevoked, OperationFailure> {
    let asker = Asker::managing(context)?;
    let number: TokenId = parse_id(Thing::Token, id)?;
    if let Some(own) = asker.principal.application() {
        let after = (number.0 > 1).then(|| TokenId(number.0 - 1));
        let found = asker.api.store.tokens(Some(own), Page { first: 1, after }).await;
        let found = found.map_err(store_failure)?;
        if found.items.first().map(|token| token.id) != Some(number) {
            return Err(not_found(Thing::Token, id));
        }
    }
    let revoked = asker.api.store.revoke_token(asker.now(), number).await;
    let revoked = revoked.map_err(|error| write_failure(Thing::Token, "/id", error))?;
    let at = revoked.revoked_at.unwrap_or(asker.now().wall);
    Ok(TokenRevoked { id: id.clone(), revoked: at.into() })
}
