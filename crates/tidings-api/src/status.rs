//! `GET /status`: how far the linking and the first collection of a user's accounts have come.
//!
//!   token with the scope ─► whose user ─► that user's accounts
//!
//! Pages of any origin may ask: no cookie counts, only the token that they send.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Uri, header};
use serde_json::{Value, json};
use tidings_core::{
    access::{Principal, Scope},
    time::Wall,
};
use tidings_store::StoreError;
use url::form_urlencoded;

use crate::{
    auth,
    problem::{self, Code, Problem},
    state::Api,
};

/// Where accounts are that were linked. The binary passes the platform's in.
#[async_trait]
pub trait Progress: Send + Sync {
    /// The accounts of a user that the principal sees; `None` also for a user of somebody else, and
    /// for one who is gone. The scope was checked.
    ///
    /// # Errors
    /// What stops the store.
    async fn accounts_of(
        &self,
        principal: &Principal,
        user: &str,
    ) -> Result<Option<Vec<AccountProgress>>, StoreError>;
}

/// How far an account has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountProgress {
    /// Its id.
    pub id: String,
    /// The code of its provider.
    pub provider: String,
    /// Its status, as in the schema.
    pub status: String,
    /// Its access level, as in the schema.
    pub access_level: String,
    /// When it was last collected to the end.
    pub last_collected_at: Option<Wall>,
    /// Documents that are there.
    pub documents_count: usize,
}

impl AccountProgress {
    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "provider": self.provider,
            "status": self.status,
            "accessLevel": self.access_level,
            "lastCollected": self.last_collected_at.map(|wall| wall.iso()),
            "documents": self.documents_count,
        })
    }
}

pub async fn get_status(State(api): State<Arc<Api>>, uri: Uri, headers: HeaderMap) -> Response {
    let mut answer = show(&api, &uri, &headers).await.into_response();
    let any = HeaderValue::from_static("*");
    answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    answer
}

/// What a browser asks before it sends a token from another origin.
pub async fn preflight() -> Response {
    problem::preflight("GET")
}

async fn show(api: &Api, uri: &Uri, headers: &HeaderMap) -> Result<Response, Problem> {
    let principal = auth::required(api, headers).await?;
    auth::require_scope(&principal, Scope::ReadAccounts)?;
    let progress = api.progress.as_ref().ok_or_else(unknown)?;
    if principal.application().is_none() {
        let detail = "this is told to a user's token, or to an application's own or private \
                      master token: use one of these";
        return Err(Problem::new(Code::NotPermitted, detail));
    }
    let named = named_user(uri.query().unwrap_or_default())?;
    let own = principal.user.as_ref().map(|user| user.as_str());
    let Some(user) = named.as_deref().or(own) else {
        return Err(Problem::new(Code::Malformed, "name the user: `/status?user=ID`"));
    };
    let accounts = progress.accounts_of(&principal, user).await?.ok_or_else(unknown)?;
    let accounts: Vec<Value> = accounts.iter().map(AccountProgress::shown).collect();
    let told = json!({ "user": user, "accounts": accounts });
    Ok(problem::found("application/json", told.to_string()))
}

fn named_user(query: &str) -> Result<Option<String>, Problem> {
    let mut named = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "user");
    let user = named.next().map(|(_, user)| user.into_owned());
    match named.next() {
        None => Ok(user.filter(|user| !user.is_empty())),
        Some(_) => Err(Problem::new(Code::Malformed, "`user` stands there twice: name one")),
    }
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "there is no such user for this token")
}
