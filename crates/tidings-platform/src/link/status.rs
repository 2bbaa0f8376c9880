//! `GET /status`: how far the linking and the first collection of a user's accounts have come.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Request, State},
    response::Response,
};
use serde_json::{Value, json};
use tidings_core::{
    access::{Principal, Scope},
    ids::ApplicationId,
    limits::PAGE_MAX,
};
use tidings_graphql::{AccessLevel, PageArguments};
use tidings_store::StoreError;

use super::{AuthLink, answer, asked::Asked};
use crate::{
    domain::{ACCOUNT_ROLE, Account, AccountStatus, Document, Stored, USER_ROLE, User, link},
    reader::{PageQuery, Tombstones},
};

/// Pages of documents of one account that are counted.
const PAGES_COUNTED_MAX: usize = 50;

/// Answers with the accounts of the token's user, or of the user whom an application names.
pub(super) async fn answer(State(link): State<Arc<AuthLink>>, request: Request) -> Response {
    let (asked, _) = Asked::of(request);
    let is_given = asked.headers.contains_key(http::header::AUTHORIZATION);
    let shown = async {
        let Some(principal) = link.bearer(&asked).await? else {
            return Ok(answer::unauthenticated(is_given));
        };
        show(&link, &principal, asked.query.get("user")).await
    };
    shown.await.unwrap_or_else(|error: StoreError| {
        tracing::error!(%error, "Auth Link cannot use the store");
        refuse(503, "temporarily_unavailable", "the database cannot be used: try again")
    })
}

async fn show(
    link: &AuthLink,
    principal: &Principal,
    wanted: Option<&str>,
) -> Result<Response, StoreError> {
    let Some(application) = principal.application().filter(|_| may_read(principal)) else {
        return Ok(refuse(403, "insufficient_scope", "this needs the scope read:accounts"));
    };
    let own = principal.user.as_ref().map(|user| user.as_str());
    let Some(user) = wanted.or(own) else {
        return Ok(refuse(400, "invalid_request", "name the user: /status?user=ID"));
    };
    let found = match principal.sees_user(user) {
        true => link.reader.one::<User>(Some(application), user).await?,
        false => None,
    };
    if found.is_none_or(|user| user.deleted) {
        return Ok(refuse(404, "not_found", "there is no such user for this token"));
    }
    let accounts = accounts_of(link, application, user).await?;
    let mut shown = Vec::new();
    for account in &accounts {
        let documents = documents_count(link, application, &account.id).await?;
        shown.push(json!({
            "id": account.id,
            "provider": account.body.provider,
            "status": status_name(account.body.status),
            "accessLevel": level_name(account.body.access_level),
            "lastCollected": account.body.last_collected_at.map(|wall| wall.iso()),
            "documents": documents,
        }));
    }
    Ok(answer::json(200, &json!({ "user": user, "accounts": shown })))
}

fn may_read(principal: &Principal) -> bool {
    principal.scopes.allows(Scope::ReadAccounts)
}

fn refuse(status: u16, error: &str, description: &str) -> Response {
    let told: HashMap<&str, &str> =
        [("error", error), ("error_description", description)].into_iter().collect();
    answer::json(status, &json!(told))
}

async fn accounts_of(
    auth_link: &AuthLink,
    application: ApplicationId,
    user: &str,
) -> Result<Vec<Stored<Account>>, StoreError> {
    let page = auth_link.reader.page::<Account>(PageQuery {
        application: Some(application),
        link: Some(link(USER_ROLE, user)),
        updated_since: None,
        tombstones: Tombstones::LeftOut,
        page: PageArguments { first: PAGE_MAX, after: None },
    });
    Ok(page.await?.items)
}

async fn documents_count(
    auth_link: &AuthLink,
    application: ApplicationId,
    account: &str,
) -> Result<usize, StoreError> {
    let (mut count, mut after) = (0, None);
    for _ in 0..PAGES_COUNTED_MAX {
        let page = auth_link.reader.page::<Document>(PageQuery {
            application: Some(application),
            link: Some(link(ACCOUNT_ROLE, account)),
            updated_since: None,
            tombstones: Tombstones::LeftOut,
            page: PageArguments { first: PAGE_MAX, after },
        });
        let page = page.await?;
        count += page.items.len();
        after = page.end;
        if !page.has_next_page {
            break;
        }
    }
    Ok(count)
}

fn status_name(status: AccountStatus) -> Value {
    serde_json::to_value(status).unwrap_or(Value::Null)
}

fn level_name(level: AccessLevel) -> &'static str {
    tidings_core::application::AccessLevel::from(level).as_str()
}
