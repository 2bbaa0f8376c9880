//! What a user has done so far on the pages: kept in the memory of the process, so that no
//! credential of an unfinished link is ever stored. A restart ends all sessions.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tidings_core::{
    secret::TokenHash,
    time::{Elapsed, MINUTE_MS},
};
use tidings_graphql::{AccessLevel, Locale};

use super::authorization::Authorization;
use crate::collect::protocol::Credential;

/// How long the pages may take.
pub(super) const SESSION_MS_MAX: u64 = 30 * MINUTE_MS;
/// Sessions that are kept; the oldest one gives way.
const SESSIONS_MAX: usize = 10_000;
/// Credentials that one session may have checked.
pub(super) const CHECKS_MAX: u32 = 10;

/// A user on the way.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Session {
    pub(super) asked: Authorization,
    pub(super) locale: Locale,
    /// What every form of the session holds, and nothing else does.
    pub(super) form_token: String,
    pub(super) begun: Elapsed,
    pub(super) provider: Option<Chosen>,
    /// Credentials that the adapter found right; gone once the account is linked.
    pub(super) credentials: Option<Vec<Credential>>,
    pub(super) checks_count: u32,
    /// The user who came into being.
    pub(super) user: Option<String>,
    pub(super) linked: Option<Linked>,
}

/// A provider that was chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Chosen {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) adapter_url: String,
    pub(super) levels: Vec<AccessLevel>,
}

/// An account that was linked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Linked {
    pub(super) user: String,
    pub(super) account: String,
}

impl Session {
    /// The page on which the user is to go on.
    pub(super) fn step(&self) -> &'static str {
        match (&self.linked, &self.credentials, &self.provider) {
            (Some(_), _, _) => "/link/done",
            (None, Some(_), Some(_)) => "/link/consent",
            (None, None, Some(_)) => "/link/credentials",
            (None, _, None) => "/link/provider",
        }
    }
}

/// All sessions, by the hash of what the browser holds.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<TokenHash, Session>>,
}

impl Sessions {
    /// Keeps a new session.
    pub(super) fn begin(&self, key: &str, session: Session) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= SESSIONS_MAX {
            let now = session.begun;
            open.retain(|_, session| now.since_ms(session.begun) < SESSION_MS_MAX);
        }
        if open.len() >= SESSIONS_MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.begun);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                open.remove(&oldest);
            }
        }
        open.insert(TokenHash::of(key), session);
    }

    /// Changes a session.
    pub(super) fn change<T>(
        &self,
        key: &str,
        now: Elapsed,
        change: impl FnOnce(&mut Session) -> T,
    ) -> Option<T> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = TokenHash::of(key);
        if open.get(&hash).is_some_and(|it| now.since_ms(it.begun) >= SESSION_MS_MAX) {
            open.remove(&hash);
        }
        open.get_mut(&hash).map(change)
    }

    /// Ends a session.
    pub(super) fn end(&self, key: &str) -> Option<Session> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&TokenHash::of(key))
    }

    /// Forgets what is over, and what was typed in it: called whenever a link begins.
    pub(super) fn forget_old(&self, now: Elapsed) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| now.since_ms(session.begun) < SESSION_MS_MAX);
    }
}
