//! Tokens as they are listed: whose they are and what they may do, never what they say.

use async_graphql::{Context, Error, ID, Object, SimpleObject};
use tidings_core::{
    access::{Owner, Token as Stored},
    catalog::Catalog,
};
use tidings_graphql::{DateTime, ListPage};

use super::{
    asker::{Asker, as_error, page, shown, store_error},
    token::TokenKind,
};

const LIST: &str = "tokens";

/// A token without its text, which is stored as a hash.
#[derive(SimpleObject, Clone, Debug)]
pub struct Token {
    /// Its number, to revoke it by.
    pub id: ID,
    /// The application that owns it; null: it is an operator's.
    pub application: Option<String>,
    /// What it is for.
    pub kind: TokenKind,
    /// The id of the user whose token it is; null where it is no user's.
    pub user: Option<ID>,
    /// What it may do, or hand on where it is a master token.
    pub scopes: Vec<String>,
    /// When it was added.
    pub added: DateTime,
    /// When it ends; null: never.
    pub expires: Option<DateTime>,
    /// When it was revoked.
    pub revoked: Option<DateTime>,
}

impl Token {
    fn of(stored: &Stored, catalog: &Catalog) -> Token {
        let application = match stored.owner {
            Owner::Operator => None,
            Owner::Application(id) => catalog.application(id).map(|found| found.name.to_string()),
        };
        Token {
            id: stored.id.to_string().into(),
            application,
            kind: stored.kind.into(),
            user: stored.user.as_ref().map(|user| user.to_string().into()),
            scopes: stored.scopes.iter().map(|scope| scope.to_string()).collect(),
            added: stored.added_at.into(),
            expires: stored.expires.map(|expires| expires.wall.into()),
            revoked: stored.revoked_at.map(Into::into),
        }
    }
}

/// Queries of tokens.
#[derive(Default, Debug)]
pub struct TokenQuery;

#[Object]
impl TokenQuery {
    /// Tokens, the oldest first, also those that ended. The operator sees all; an application's
    /// token with `manage:webhooks` those of its application.
    async fn get_tokens(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this application's.")] application: Option<String>,
        #[graphql(desc = "How many: 1 to 200.", default_with = "Some(50)")] first: Option<i32>,
        #[graphql(desc = "An `endCursor`, for the page after it.")] after: Option<String>,
    ) -> Result<ListPage<Token>, Error> {
        let asker = Asker::managing(context).map_err(as_error)?;
        let page = page(LIST, first, after.as_deref())?;
        let named = match &application {
            Some(name) => Some(asker.application(name).await.map_err(as_error)?.id),
            None => asker.principal.application(),
        };
        let store = &asker.api.store;
        let catalog = store.catalog().await.map_err(store_error)?;
        let found = store.tokens(named, page).await.map_err(store_error)?;
        Ok(shown(LIST, found, |one| one.id.to_string(), |one| Token::of(&one, &catalog)))
    }
}
