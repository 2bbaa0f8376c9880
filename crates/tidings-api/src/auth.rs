//! Who is asking: `Authorization: Bearer TOKEN` becomes a [`Principal`]. Asked before a body is
//! read.
//!
//!   header ─► text of a token ─┬─► hash ─► cache (2 s at most) or store ─► valid?
//!                              └─► with dots in it: an application signed it, see `jwt`
//!      ─► its scopes, as far as its application has them

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use http::{HeaderMap, header};
use tidings_core::{
    access::{Owner, Principal, Scope, Token},
    secret::TokenHash,
    time::{Elapsed, SECOND_MS},
};
use tidings_store::StoreError;

use crate::{
    jwt,
    problem::{Code, Problem},
    state::Api,
};

/// How long a token that was read counts as it was: a revocation in another process shows after
/// this time at the latest.
const CACHED_MS_MAX: u64 = 2 * SECOND_MS;
/// Tokens that are kept.
const CACHED_MAX: usize = 4_096;
/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1_024;

/// The principal of a request; `None` when it names none.
///
/// # Errors
/// `unauthenticated` for a token that is wrong, expired or revoked, or for a header that is none.
pub async fn authenticate(api: &Api, headers: &HeaderMap) -> Result<Option<Principal>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_token());
    }
    let text = value.to_str().ok().and_then(bearer).ok_or_else(Problem::bad_token)?;
    if jwt::is_jwt(text) {
        return jwt::principal(api, text).await.map(Some);
    }
    let token = find(api, TokenHash::of(text)).await?.ok_or_else(Problem::bad_token)?;
    if !token.is_valid(api.clock.now().elapsed) {
        return Err(Problem::bad_token());
    }
    principal(api, &token).await?.map(Some).ok_or_else(Problem::bad_token)
}

/// The principal of a request that needs one.
///
/// # Errors
/// As [`authenticate`], and `unauthenticated` when the request names none.
pub async fn required(api: &Api, headers: &HeaderMap) -> Result<Principal, Problem> {
    authenticate(api, headers).await?.ok_or_else(Problem::no_token)
}

/// Refuses a principal that is not an owner itself, or lacks the scope.
///
/// # Errors
/// `not_permitted`.
pub fn require(principal: &Principal, scope: Scope) -> Result<(), Problem> {
    if principal.is_owner() {
        return require_scope(principal, scope);
    }
    let detail = "this is done with an application's own token: no master token and no user's \
                  token may do it";
    Err(Problem::new(Code::NotPermitted, detail))
}

/// Refuses a principal without the scope.
///
/// # Errors
/// `not_permitted`.
pub fn require_scope(principal: &Principal, scope: Scope) -> Result<(), Problem> {
    if principal.scopes.allows(scope) {
        return Ok(());
    }
    let detail = format!("this needs the scope `{scope}`: use a token that has it");
    Err(Problem::new(Code::NotPermitted, detail))
}

/// The token of the header's value (RFC 6750, section 2.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    let fits = (1..=TOKEN_BYTES_MAX).contains(&token.len());
    let is_token = fits && token.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

async fn find(api: &Api, hash: TokenHash) -> Result<Option<Token>, StoreError> {
    let now = api.clock.now().elapsed;
    // Asked before the token is read: what is revoked meanwhile makes another number.
    let revocations = api.store.revocations_count().await?;
    if let Some(token) = api.tokens.get(&hash, now, revocations) {
        return Ok(Some(token));
    }
    let token = api.store.token(hash).await?;
    if let Some(token) = token.as_ref().filter(|token| token.is_valid(now)) {
        api.tokens.keep(token.clone(), now, revocations);
    }
    Ok(token)
}

async fn principal(api: &Api, token: &Token) -> Result<Option<Principal>, StoreError> {
    let expires_at = token.expires.map(|expires| expires.wall);
    let Owner::Application(id) = token.owner else {
        return Ok(Some(Principal {
            owner: Owner::Operator,
            kind: token.kind,
            user: None,
            application_name: None,
            scopes: token.scopes,
            expires_at,
        }));
    };
    let catalog = api.store.catalog().await?;
    Ok(catalog.application(id).map(|application| token.principal(application)))
}

/// Tokens that were read a moment ago.
#[derive(Debug, Default)]
pub struct TokenCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tokens: HashMap<TokenHash, (Token, Elapsed)>,
    /// What [`tidings_store::Store::revocations_count`] said when they were read.
    revocations: u64,
}

impl Kept {
    /// Forgets all tokens where one may have been revoked since they were read.
    fn follow(&mut self, revocations: u64) {
        if self.revocations != revocations {
            self.tokens.clear();
            self.revocations = revocations;
        }
    }
}

impl TokenCache {
    fn get(&self, hash: &TokenHash, now: Elapsed, revocations: u64) -> Option<Token> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.follow(revocations);
        let (token, read_at) = kept.tokens.get(hash)?;
        (now.since_ms(*read_at) < CACHED_MS_MAX).then(|| token.clone())
    }

    fn keep(&self, token: Token, now: Elapsed, revocations: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What was read before a revocation may be what was revoked.
        if kept.revocations != revocations {
            return;
        }
        if kept.tokens.len() >= CACHED_MAX {
            kept.tokens.retain(|_, (_, read_at)| now.since_ms(*read_at) < CACHED_MS_MAX);
        }
        if kept.tokens.len() < CACHED_MAX {
            kept.tokens.insert(token.hash, (token, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::{
        access::{ScopeSet, TokenKind},
        ids::TokenId,
        time::Wall,
    };

    use super::*;

    #[test]
    fn a_bearer_token_is_visible_ascii_after_its_scheme() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for value in ["", "abc", "Basic abc", "Bearer", "Bearer ", "Bearer a b", "Bearer ü"] {
            assert_eq!(bearer(value), None, "{value}");
        }
        assert_eq!(bearer(&format!("Bearer {}", "x".repeat(8_193))), None);
    }
    #[test]
    fn a_token_that_was_read_counts_for_two_seconds_unless_some_were_revoked() {
        let token = Token {
            id: TokenId(1),
            hash: TokenHash::of("a"),
            owner: Owner::Operator,
            kind: TokenKind::Operator,
            user: None,
            grant: None,
            scopes: ScopeSet::NONE,
            added_at: Wall(0),
            expires: None,
            revoked_at: None,
        };
        let cache = TokenCache::default();
        let get = |ms, revocations| cache.get(&token.hash, Elapsed(ms), revocations).is_some();
        cache.keep(token.clone(), Elapsed(5), 0);
        assert!(get(2_004, 0) && !get(2_005, 0));
        cache.keep(token.clone(), Elapsed(5), 0);
        assert!(!get(6, 1), "one was revoked");
        assert!(!get(6, 0));
        cache.keep(token.clone(), Elapsed(5), 9);
        assert!(!get(6, 9), "it was read before others were revoked");
    }
}
