//! The key sets of issuers (RFC 7517), as they were read a while ago. One request at a time reads a
//! set; the others wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as StdMutex, PoisonError},
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

/// What was read of one URL.
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

/// All of them.
#[derive(Default)]
pub(super) struct KeySets {
    sets: StdMutex<HashMap<String, Arc<Mutex<Kept>>>>,
}

impl Kept {
    /// Reads the set, unless that went wrong a moment ago.
    async fn read_again(&mut self, fetch: &FetchKeySet, now: Elapsed, url: &str) {
        if self.trouble.as_ref().is_some_and(|(at, _)| now.since_ms(*at) < TROUBLE_MS) {
            return;
        }
        match fetch(url.to_owned()).await.and_then(|text| parse(&text)) {
            Ok(keys) => {
                self.keys = Some((now, keys));
                self.trouble = None;
            }
            Err(why) => self.trouble = Some((now, why)),
        }
    }
}

/// A set whose members are not all such keys as we know.
#[derive(Deserialize)]
struct AnySet {
    keys: Vec<serde_json::Value>,
}

impl KeySets {
    /// The key of a set: the one with this id, or the only one of the family where the token does
    /// not name any. The error is for people.
    pub(super) async fn key(
        &self,
        fetch: &FetchKeySet,
        now: Elapsed,
        url: &str,
        wanted: (Option<&str>, JwtFamily),
    ) -> Result<Found, String> {
        let kept = self.kept(url);
        let mut kept = kept.lock().await;
        if let Some((at, keys)) = &kept.keys
            && now.since_ms(*at) < KEPT_MS
        {
            let found = find(keys, wanted);
            if found.is_ok() || now.since_ms(*at) < UNKNOWN_KEY_MS {
                return found.map(|key| Found { key, until: at.plus_ms(KEPT_MS) });
            }
        }
        kept.read_again(fetch, now, url).await;
        let Kept { keys, trouble } = &*kept;
        let why = || trouble.as_ref().map_or_else(String::new, |(_, why)| why.clone());
        let (at, keys) = keys.as_ref().ok_or_else(why)?;
        let found = find(keys, wanted);
        match trouble {
            None => found.map(|key| Found { key, until: at.plus_ms(KEPT_MS) }),
            Some(_) if now.since_ms(*at) < LAST_RESORT_MS => {
                let key = found.map_err(|_| why())?;
                Ok(Found { key, until: now.plus_ms(TROUBLE_MS) })
            }
            Some(_) => Err(why()),
        }
    }

    fn kept(&self, url: &str) -> Arc<Mutex<Kept>> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= SETS_MAX && !sets.contains_key(url) {
            sets.clear();
        }
        Arc::clone(sets.entry(url.to_owned()).or_default())
    }
}

/// Keys of kinds that we do not know are passed over (RFC 7517, section 5).
fn parse(text: &[u8]) -> Result<Vec<Jwk>, String> {
    let any: AnySet = serde_json::from_slice(text)
        .map_err(|error| format!("the issuer's key set is not a JSON Web Key Set: {error}"))?;
    let keys = any.keys.into_iter().take(KEYS_MAX);
    Ok(keys.filter_map(|key| serde_json::from_value(key).ok()).collect())
}

fn find(keys: &[Jwk], wanted: (Option<&str>, JwtFamily)) -> Result<DecodingKey, String> {
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
    use futures_util::FutureExt;

    use super::*;

    const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    /// Until when the key `a` counts, for who asks at `now_ms`.
    async fn ask(sets: &KeySets, now_ms: u64, answer: Result<&str, &str>) -> Option<u64> {
        let answer = answer.map(|text| text.to_owned().into()).map_err(str::to_owned);
        let fetch: FetchKeySet = Arc::new(move |_| {
            let answer = answer.clone();
            async move { answer }.boxed()
        });
        let wanted = (Some("a"), JwtFamily::Edwards);
        let found = sets.key(&fetch, Elapsed(now_ms), "https://a.example/keys", wanted).await;
        found.ok().map(|found| found.until.0)
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
}
