//! What a user has done so far on the pages: kept in the memory of the process, so that no
//! credential of an unfinished link is ever stored. A restart ends all sessions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
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
/// Sessions that are kept; the oldest one gives way, of those that have not got far.
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
    pub(super) linked: Option<Linked>,
    /// The code that the user was sent back with.
    pub(super) left: Option<Left>,
}

/// A user who was sent back. The same code goes with a form that was sent twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Left {
    pub(super) code: String,
    /// When the code is of no use any more.
    pub(super) until: Elapsed,
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
    fn is_over(&self, now: Elapsed) -> bool {
        let has_left = self.left.as_ref().is_some_and(|left| now >= left.until);
        has_left || now.since_ms(self.begun) >= SESSION_MS_MAX
    }

    /// Whether the user has got further than to the first pages.
    fn is_on_the_way(&self) -> bool {
        self.credentials.is_some() || self.linked.is_some()
    }

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
    open: Mutex<HashMap<TokenHash, Open>>,
}

#[derive(Debug)]
struct Open {
    session: Session,
    turn: Arc<Turn>,
}

/// Whose turn it is to do what cannot be undone: one form of a session at a time.
pub(super) type Turn = tokio::sync::Mutex<()>;

impl Sessions {
    /// Keeps a new session.
    pub(super) fn begin(&self, key: &str, session: Session) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= SESSIONS_MAX {
            // Who has typed something gives way last.
            let place = |it: &Open| (it.session.is_on_the_way(), it.session.begun);
            let first = open.iter().min_by_key(|(_, it)| place(it)).map(|(key, _)| *key);
            first.and_then(|key| open.remove(&key));
        }
        open.insert(TokenHash::of(key), Open { session, turn: Arc::default() });
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
        if open.get(&hash).is_some_and(|it| it.session.is_over(now)) {
            open.remove(&hash);
        }
        open.get_mut(&hash).map(|it| change(&mut it.session))
    }

    /// What is held by the one whose turn it is in a session.
    pub(super) fn turn(&self, key: &str) -> Option<Arc<Turn>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&TokenHash::of(key)).map(|it| Arc::clone(&it.turn))
    }

    /// Ends a session.
    pub(super) fn end(&self, key: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&TokenHash::of(key));
    }

    /// Forgets what is over, and what was typed in it.
    pub(super) fn forget_old(&self, now: Elapsed) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, it| !it.session.is_over(now));
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::{access::ScopeSet, ids::ApplicationId, samples};
    use tidings_graphql::Locale;

    use super::*;
    use crate::link::authorization::Back;

    fn session(begun_ms: u64) -> Session {
        Session {
            asked: Authorization {
                application: Arc::new(samples::application(ApplicationId(1))),
                back: Back { uri: "https://app.example.com/linked".to_owned(), state: None },
                challenge: None,
                scopes: ScopeSet::for_users(),
                offline: false,
                provider: None,
                access_level: None,
            },
            locale: Locale::EnGb,
            form_token: "token".to_owned(),
            begun: Elapsed(begun_ms),
            provider: None,
            credentials: None,
            checks_count: 0,
            linked: None,
            left: None,
        }
    }

    fn is_open(sessions: &Sessions, key: &str, now_ms: u64) -> bool {
        sessions.change(key, Elapsed(now_ms), |_| ()).is_some()
    }

    #[test]
    fn who_has_typed_something_gives_way_last_when_there_are_too_many() {
        let sessions = Sessions::default();
        sessions.begin("typed", Session { credentials: Some(Vec::new()), ..session(0) });
        for number in 0..SESSIONS_MAX {
            sessions.begin(&number.to_string(), session(1));
        }
        assert!(is_open(&sessions, "typed", 2));
        let open = sessions.open.lock().unwrap().len();
        assert_eq!(open, SESSIONS_MAX);
    }

    #[test]
    fn what_was_typed_is_forgotten_once_the_session_is_over() {
        let sessions = Sessions::default();
        sessions.begin("early", session(0));
        sessions.begin("late", session(1));
        sessions.forget_old(Elapsed(SESSION_MS_MAX));
        assert_eq!(sessions.open.lock().unwrap().len(), 1);
        assert!(is_open(&sessions, "late", SESSION_MS_MAX));
    }

    #[test]
    fn a_session_that_led_back_is_over_with_its_code() {
        let sessions = Sessions::default();
        let left = Left { code: "code".to_owned(), until: Elapsed(60) };
        sessions.begin("left", Session { left: Some(left), ..session(0) });
        assert!(is_open(&sessions, "left", 59));
        assert!(!is_open(&sessions, "left", 60));
    }
}
