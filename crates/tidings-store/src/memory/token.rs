//! Tokens.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tidings_core::{
    access::{Owner, Token},
    ids::{ApplicationId, TokenId},
    secret::TokenHash,
    time::{Elapsed, Now},
};

use crate::{
    error::{AppendError, WriteError},
    memory::{control::not_found, read, state::State},
    rules,
    types::{NewToken, Page, Paged, Revocation},
};

/// All tokens.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    rows: BTreeMap<TokenId, Row>,
    ids: HashMap<TokenHash, TokenId>,
    last_id: u64,
    /// Commits that revoked some.
    revocations_count: u64,
}

#[derive(Debug)]
struct Row {
    token: Token,
    forgotten_at: Option<Elapsed>,
}

impl Tokens {
    fn add(&mut self, new: NewToken, now: Now) -> Token {
        self.last_id += 1;
        let token = Token {
            id: TokenId(self.last_id),
            hash: new.hash,
            owner: new.owner,
            kind: new.kind,
            user: new.user,
            grant: new.grant,
            scopes: new.scopes,
            added_at: now.wall,
            expires: new.expires,
            revoked_at: None,
        };
        let ends_at = token.expires.map(|expires| expires.elapsed);
        let forgotten_at = ends_at.and_then(|at| rules::token_forgotten_at(token.kind, at));
        self.ids.insert(token.hash, token.id);
        self.rows.insert(token.id, Row { token: token.clone(), forgotten_at });
        token
    }

    fn revoke(&mut self, now: Now, is_meant: impl Fn(&Token) -> bool) {
        self.revocations_count += 1;
        let valid = self.rows.values_mut().filter(|row| row.token.revoked_at.is_none());
        for row in valid.filter(|row| is_meant(&row.token)) {
            row.token.revoked_at = Some(now.wall);
            let forgotten_at = rules::token_forgotten_at(row.token.kind, now.elapsed);
            row.forgotten_at = row.forgotten_at.into_iter().chain(forgotten_at).min();
        }
    }

    /// Makes a revocation of an append.
    pub(super) fn revoke_by(&mut self, revocation: &Revocation, now: Now) {
        match revocation {
            Revocation::Grant { application, grant } => self.revoke(now, |token| {
                token.owner == Owner::Application(*application) && token.grant == Some(*grant)
            }),
            Revocation::User { application, user } => self.revoke(now, |token| {
                token.owner == Owner::Application(*application) && token.user.as_ref() == Some(user)
            }),
        }
    }

    /// Revokes all tokens of an application.
    pub(super) fn revoke_of(&mut self, application: ApplicationId, now: Now) {
        self.revoke(now, |token| token.owner == Owner::Application(application));
    }

    /// The number of commits that revoked some.
    pub(super) fn revocations_count(&self) -> u64 {
        self.revocations_count
    }

    /// Forgets users' tokens that have been over for long enough.
    pub(super) fn forget_expired(&mut self, now: Now) -> usize {
        let expired: BTreeSet<(Elapsed, TokenId)> = self
            .rows
            .values()
            .filter_map(|row| Some((row.forgotten_at?, row.token.id)))
            .filter(|(at, _)| *at <= now.elapsed)
            .collect();
        let expired = expired.into_iter().take(rules::FORGOTTEN_PER_COMMIT_MAX);
        let mut count = 0;
        for (_, id) in expired {
            if let Some(row) = self.rows.remove(&id) {
                self.ids.remove(&row.token.hash);
                count += 1;
            }
        }
        count
    }

    pub(super) fn by_hash(&self, hash: TokenHash) -> Option<Token> {
        self.ids.get(&hash).map(|id| self.rows[id].token.clone())
    }

    pub(super) fn page(
        &self,
        application: Option<ApplicationId>,
        page: &Page<TokenId>,
    ) -> Paged<Token> {
        let after = page.after.map_or(0, |after| after.0);
        let found = self
            .rows
            .range(TokenId(after.saturating_add(1))..)
            .map(|(_, row)| &row.token)
            .filter(|token| application.is_none_or(|id| token.owner == Owner::Application(id)))
            .cloned();
        read::page(found, page.first)
    }
}

impl State {
    fn has_owner(&self, owner: &Owner) -> bool {
        match owner {
            Owner::Operator => true,
            Owner::Application(id) => self.has_application(*id),
        }
    }

    pub(super) fn add_token(&mut self, now: Now, new: NewToken) -> Result<Token, WriteError> {
        match &new.owner {
            Owner::Application(id) if !self.has_application(*id) => {
                return Err(not_found("application", *id));
            }
            _ => {}
        }
        if self.tokens.ids.contains_key(&new.hash) {
            return Err(WriteError::Taken { what: "token", id: "of this text".to_owned() });
        }
        Ok(self.tokens.add(new, now))
    }

    /// Whether the tokens of an append can be added.
    pub(super) fn check_tokens(&self, new: &[NewToken]) -> Result<(), AppendError> {
        let mut within = HashSet::new();
        for (index, token) in new.iter().enumerate() {
            if !self.has_owner(&token.owner) {
                return Err(AppendError::StaleCatalog);
            }
            if self.tokens.ids.contains_key(&token.hash) || !within.insert(token.hash) {
                return Err(AppendError::TokenTaken { index });
            }
        }
        Ok(())
    }

    /// Adds tokens that were checked.
    pub(super) fn add_tokens(&mut self, new: Vec<NewToken>, now: Now) {
        for token in new {
            self.tokens.add(token, now);
        }
    }

    pub(super) fn revoke_token(&mut self, now: Now, id: TokenId) -> Result<Token, WriteError> {
        self.tokens.revoke(now, |token| token.id == id);
        let row = self.tokens.rows.get(&id).ok_or_else(|| not_found("token", id))?;
        Ok(row.token.clone())
    }
}
