//! The key sets of issuers (RFC 7517), as they were read a while ago.
//!
//!   fresh and has the key ─► that ─ else ─► read it, one at a time ─► the key
//!                                              └─ it cannot be read ─► the keys of before
//!
//! Strangers decide when a set is read, since they name the key. So a reading comes to its end
//! though nobody waits for it, and whom the keys of before can serve waits for no reading of
//! another's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError},
};

use jsonwebtoken::{
    DecodingKey,
    jwk::{Jwk, PublicKeyUse},
};
use serde::Deserialize;
use tidings_core::{
    jwt::JwtFamily,
    time::{Elapsed, HOUR_MS, MINUTE_MS, SECOND_MS},
};
use tokio::sync::Mutex;

use super::claims::family;
use crate::state::FetchKeySet;

/// How long a set counts as it was read.
const KEPT_MS: u64 = 10 * MINUTE_MS;
/// How long it is not read again, though it lacks a key.
const UNKNOWN_KEY_MS: u64 = MINUTE_MS;
/// How long it is not asked for again after it could not be read.
const TROUBLE_MS: u64 = 10 * SECOND_MS;
/// How long the keys that were read last count while the set cannot be read: an issuer that is down
/// for a while does not sign all its users out.
const LAST_RESORT_MS: u64 = HOUR_MS;
/// Sets that are kept.
const SETS_MAX: usize = 1_024;
/// Keys of one set that are looked at.
const KEYS_MAX: usize = 100;

/// One URL.
#[derive(Default)]
struct KeySet {
    kept: StdMutex<Kept>,
    /// Held by who reads it.
    reading: Arc<Mutex<()>>,
}

/// What was read of it.
#[derive(Default)]
struct Kept {
    /// The keys, and when they were read.
    keys: Option<(Elapsed, Vec<Jwk>)>,
    /// When the set could not be read since, and why.
    trouble: Option<(Elapsed, String)>,
}

/// A key, and how long it counts without another look at the set.
pub(super) struct Found {
    pub(super) key: DecodingKey,
    pub(super) until: Elapsed,
}

/// Which key a token was signed with, as it says: its id, and of which family it must be.
type Wanted<'a> = (Option<&'a str>, JwtFamily);

/// All of them.
#[derive(Default)]
pub(super) struct KeySets {
    sets: StdMutex<HashMap<String, Arc<KeySet>>>,
}

impl Kept {
    /// What is answered without reading; `None`: read it.
    fn fresh(&self, now: Elapsed, wanted: Wanted<'_>) -> Option<Result<Found, String>> {
        if let Some((at, keys)) = self.keys.as_ref().filter(|(at, _)| now.since_ms(*at) < KEPT_MS) {
            let found = find(keys, wanted);
            if found.is_ok() || now.since_ms(*at) < UNKNOWN_KEY_MS {
                return Some(found.map(|key| Found { key, until: at.plus_ms(KEPT_MS) }));
            }
        }
        let is_troubled =
            self.trouble.as_ref().is_some_and(|(at, _)| now.since_ms(*at) < TROUBLE_MS);
        is_troubled.then(|| self.answer(now, wanted))
    }

    /// What is answered once it was read, or could not be.
    fn answer(&self, now: Elapsed, wanted: Wanted<'_>) -> Result<Found, String> {
        match (&self.trouble, &self.keys) {
            (None, Some((at, keys))) => {
                find(keys, wanted).map(|key| Found { key, until: at.plus_ms(KEPT_MS) })
            }
            (Some((_, why)), _) => self.last_resort(now, wanted).ok_or_else(|| why.clone()),
            (None, None) => Err("the issuer's key set cannot be read: try again".to_owned()),
        }
    }

    /// A key of before, while the set is read or cannot be.
    fn last_resort(&self, now: Elapsed, wanted: Wanted<'_>) -> Option<Found> {
        let (at, keys) = self.keys.as_ref()?;
        let key = find(keys, wanted).ok().filter(|_| now.since_ms(*at) < LAST_RESORT_MS)?;
        Some(Found { key, until: now.plus_ms(TROUBLE_MS) })
    }
}

impl KeySet {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, fetch: &FetchKeySet, now: Elapsed, url: String) {
        let read = fetch(url).await.and_then(|text| parse(&text));
        let mut kept = self.kept();
        match read {
            Ok(keys) => *kept = Kept { keys: Some((now, keys)), trouble: None },
            Err(why) => kept.trouble = Some((now, why)),
        }
    }
}

impl KeySets {
    /// The key of a set: the one with this id, or the only one of the family where the token does
    /// not name any. The error is for people.
    pub(super) async fn key(
        &self,
        fetch: &FetchKeySet,
        now: Elapsed,
        url: &str,
        wanted: Wanted<'_>,
    ) -> Result<Found, String> {
        let set = self.set(url);
        let turn = match Arc::clone(&set.reading).try_lock_owned() {
            Ok(turn) => turn,
            Err(_) => {
                let served = {
                    let kept = set.kept();
                    let last_resort = || kept.last_resort(now, wanted).map(Ok);
                    kept.fresh(now, wanted).or_else(last_resort)
                };
                if let Some(found) = served {
                    return found;
                }
                let _read = set.reading.lock().await;
                return set.kept().answer(now, wanted);
            }
        };
        if let Some(found) = set.kept().fresh(now, wanted) {
            return found;
        }
        let (reader, fetch, url) = (Arc::clone(&set), Arc::clone(fetch), url.to_owned());
        let reading = tokio::spawn(async move {
            let _turn = turn;
            reader.read(&fetch, now, url).await;
        });
        if reading.await.is_err() {
            return Err("the issuer's key set cannot be read: see the server's log".to_owned());
        }
        set.kept().answer(now, wanted)
    }

    fn set(&self, url: &str) -> Arc<KeySet> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= SETS_MAX && !sets.contains_key(url) {
            sets.clear();
        }
        Arc::clone(sets.entry(url.to_owned()).or_default())
    }
}

/// A set whose members are not all such keys as we know.
#[derive(Deserialize)]
struct AnySet {
    keys: Vec<serde_json::Value>,
}

/// Keys of kinds that we do not know are passed over (RFC 7517, section 5).
fn parse(text: &[u8]) -> Result<Vec<Jwk>, String> {
    let any: AnySet = serde_json::from_slice(text)
        .map_err(|error| format!("the issuer's key set is not a JSON Web Key Set: {error}"))?;
    let keys = any.keys.into_iter().take(KEYS_MAX);
    Ok(keys.filter_map(|key| serde_json::from_value(key).ok()).collect())
}

fn find(keys: &[Jwk], wanted: Wanted<'_>) -> Result<DecodingKey, String> {
    let (kid, wanted_family) = wanted;
    let usable = |key: &&Jwk| {
        key.common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature)
            && DecodingKey::from_jwk(key).is_ok_and(|it| family(it.family()) == wanted_family)
            && kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid))
    };
    let mut found = keys.iter().filter(usable);
    match (found.next(), found.next(), kid) {
        (Some(key), None, _) => DecodingKey::from_jwk(key).map_err(|error| error.to_string()),
        (None, _, Some(_)) => {
            Err("the issuer's key set has no such key as the token's `kid` names".to_owned())
        }
        (None, _, None) => Err("the issuer's key set has no key for the token's `alg`".to_owned()),
        (Some(_), Some(_), _) => {
            Err("the issuer's key set has several such keys: name one with `kid`".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    const URL: &str = "https://a.example/keys";
    const WANTED: Wanted<'static> = (Some("a"), JwtFamily::Edwards);
    const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    /// Until when the key `a` counts, for who asks at `now_ms`.
    async fn ask(sets: &KeySets, now_ms: u64, answer: Result<&str, &str>) -> Option<u64> {
        let answer = answer.map(|text| text.to_owned().into()).map_err(str::to_owned);
        let fetch: FetchKeySet = Arc::new(move |_| {
            let answer = answer.clone();
            async move { answer }.boxed()
        });
        let found = sets.key(&fetch, Elapsed(now_ms), URL, WANTED).await;
        found.ok().map(|found| found.until.0)
    }

    /// An issuer that answers once it is told to, and counts how often it is asked.
    fn slow() -> (FetchKeySet, Arc<Notify>, Arc<AtomicUsize>) {
        let (go, asked) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let (going, counted) = (Arc::clone(&go), Arc::clone(&asked));
        let fetch: FetchKeySet = Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            let go = Arc::clone(&going);
            async move {
                go.notified().await;
                Ok(SET.into())
            }
            .boxed()
        });
        (fetch, go, asked)
    }

    #[tokio::test]
    async fn keys_count_for_ten_minutes_and_for_an_hour_where_the_set_cannot_be_read() {
        let sets = KeySets::default();
        assert_eq!(ask(&sets, 0, Ok(SET)).await, Some(600_000));
        assert_eq!(ask(&sets, 599_999, Err("down")).await, Some(600_000), "nobody was asked");
        assert_eq!(ask(&sets, 600_000, Err("down")).await, Some(610_000));
        assert_eq!(ask(&sets, 609_999, Ok(SET)).await, Some(619_999), "nobody was asked");
        assert_eq!(ask(&sets, 610_000, Ok(SET)).await, Some(1_210_000));
        let hour_ms = 610_000 + 3_600_000;
        assert_eq!(ask(&sets, hour_ms - 1, Ok("<html>")).await, Some(hour_ms - 1 + 10_000));
        assert_eq!(ask(&sets, hour_ms, Ok(SET)).await, None);
    }

    #[tokio::test]
    async fn a_key_that_is_not_in_a_set_that_was_read_counts_no_longer() {
        let sets = KeySets::default();
        assert!(ask(&sets, 0, Ok(SET)).await.is_some());
        assert_eq!(ask(&sets, 600_000, Ok(r#"{"keys":[]}"#)).await, None);
        assert_eq!(ask(&sets, 660_000, Err("down")).await, None);
    }

    #[tokio::test]
    async fn whom_the_keys_of_before_can_serve_does_not_wait_for_a_slow_issuer() {
        let sets = KeySets::default();
        ask(&sets, 0, Ok(SET)).await;
        let (fetch, go, asked) = slow();
        let now = Elapsed(600_000);
        let first = sets.key(&fetch, now, URL, WANTED);
        let mut first = std::pin::pin!(first);
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        let second = sets.key(&fetch, now, URL, WANTED).now_or_never().expect("it does not wait");
        assert_eq!(second.ok().map(|found| found.until), Some(now.plus_ms(TROUBLE_MS)));
        go.notify_one();
        assert_eq!(first.await.ok().map(|found| found.until), Some(now.plus_ms(KEPT_MS)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn who_goes_away_at_once_has_the_set_read_no_more_often() {
        let sets = KeySets::default();
        let (fetch, go, asked) = slow();
        for _ in 0..5 {
            assert!(sets.key(&fetch, Elapsed(0), URL, WANTED).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        go.notify_one();
        assert!(sets.key(&fetch, Elapsed(0), URL, WANTED).await.is_ok());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
