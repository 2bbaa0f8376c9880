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
    time::{Elapsed, MINUTE_MS, SECOND_MS},
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
/// Sets that are kept.
const SETS_MAX: usize = 1_024;
/// Keys of one set that are looked at.
const KEYS_MAX: usize = 100;

/// What was read of one URL.
#[derive(Default)]
struct Kept {
    read: Option<(Elapsed, Result<Vec<Jwk>, String>)>,
}

/// All of them.
#[derive(Default)]
pub(super) struct KeySets {
    sets: StdMutex<HashMap<String, Arc<Mutex<Kept>>>>,
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
    ) -> Result<DecodingKey, String> {
        let kept = self.kept(url);
        let mut kept = kept.lock().await;
        let found = match &kept.read {
            Some((at, Ok(keys))) if now.since_ms(*at) < KEPT_MS => {
                let found = find(keys, wanted);
                if found.is_ok() || now.since_ms(*at) < UNKNOWN_KEY_MS {
                    return found;
                }
                None
            }
            Some((at, Err(why))) if now.since_ms(*at) < TROUBLE_MS => Some(Err(why.clone())),
            _ => None,
        };
        if let Some(trouble) = found {
            return trouble;
        }
        let read = fetch(url.to_owned()).await.and_then(|text| parse(&text));
        let found = read.as_ref().map_err(Clone::clone).and_then(|keys| find(keys, wanted));
        kept.read = Some((now, read));
        found
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
