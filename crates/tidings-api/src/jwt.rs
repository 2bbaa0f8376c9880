//! Tokens that applications sign themselves (RFC 7519).
//!
//! ```text
//! text ─► checked a moment ago? ─► `iss` and `aud` ─► the one profile that has both
//!      ─► its key, or the issuer's key set ─► signature and claims ─► the user, made if new
//! ```
//!
//! Nothing of a token is believed before its signature is right, but for the choice of who checks
//! it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, DecodingKey, dangerous::insecure_decode_claims, decode_header};
use tidings_core::{
    access::{Owner, Principal, TokenKind},
    application::Application,
    catalog::Catalog,
    ids::{ApplicationId, EntityId},
    jwt::{JwtFamily, JwtKey, JwtProfile},
    secret::TokenHash,
    time::{Elapsed, Now, Wall},
};
use tidings_graphql::OperationFailure;

use self::{
    claims::{Believed, Named},
    key_sets::KeySets,
};
use crate::{
    problem::{Code, Problem},
    state::Api,
};

mod claims;
mod crypto;
mod key_sets;

/// Tokens whose check is remembered.
const CHECKED_MAX: usize = 4_096;

/// Whom a checked token speaks of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject {
    /// The application that trusts the issuer.
    pub application: ApplicationId,
    /// The token's `iss`.
    pub issuer: String,
    /// The token's `sub`.
    pub subject: String,
    /// The token's `iat`.
    pub issued_at: Option<Wall>,
}

/// Where users are. The binary passes the platform's in.
#[async_trait]
pub trait Subjects: Send + Sync {
    /// The user of a subject, made where it is new. `None`: the user was deleted after the token
    /// was issued.
    ///
    /// # Errors
    /// What stops the platform.
    async fn user_of(&self, subject: Subject) -> Result<Option<EntityId>, OperationFailure>;
}

/// What is remembered of tokens and keys.
#[derive(Default)]
pub(crate) struct Jwts {
    checked: Mutex<HashMap<TokenHash, Checked>>,
    key_sets: KeySets,
}

/// A token that was found right, as long as no application changes and its key counts.
#[derive(Clone)]
struct Checked {
    catalog_version: u64,
    /// How long the key counts that signed it, where it is of a set.
    key_until: Option<Elapsed>,
    application: ApplicationId,
    issuer: String,
    believed: Believed,
}

impl Checked {
    fn counts(&self, catalog_version: u64, now: Now) -> bool {
        self.catalog_version == catalog_version
            && self.key_until.is_none_or(|until| now.elapsed < until)
            && self.believed.is_valid(now.wall)
    }
}

impl Jwts {
    pub(crate) fn new() -> Jwts {
        crypto::install();
        Jwts::default()
    }

    fn get(&self, hash: &TokenHash, catalog_version: u64, now: Now) -> Option<Checked> {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.get(hash).filter(|it| it.counts(catalog_version, now)).cloned()
    }

    fn keep(&self, hash: TokenHash, one: Checked, now: Now) {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= CHECKED_MAX {
            let version = one.catalog_version;
            checked.retain(|_, it| it.counts(version, now));
        }
        if checked.len() < CHECKED_MAX {
            checked.insert(hash, one);
        }
    }
}

/// Whether a text has the shape of such a token: three parts between dots. No other token has dots.
pub(crate) fn is_jwt(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Whether a PEM text holds a public key of that kind. The error is for people.
pub(crate) fn check_public_key(pem: &str, family: JwtFamily) -> Result<(), String> {
    public_key(pem, family).map(|_| ())
}

fn public_key(pem: &str, family: JwtFamily) -> Result<DecodingKey, String> {
    if pem.contains("PRIVATE KEY") {
        return Err("this is a private key, which is nobody else's business: replace it, and \
                    write the public key"
            .to_owned());
    }
    let key = match family {
        JwtFamily::Secret => return Err("a shared secret is no public key".to_owned()),
        JwtFamily::Rsa => DecodingKey::from_rsa_pem(pem.as_bytes()),
        JwtFamily::Curve => DecodingKey::from_ec_pem(pem.as_bytes()),
        JwtFamily::Edwards => DecodingKey::from_ed_pem(pem.as_bytes()),
    };
    key.map_err(|_| "write a public key as PEM, of the kind that the algorithms take".to_owned())
}

/// Who asks with such a token.
pub(crate) async fn principal(api: &Api, text: &str) -> Result<Principal, Problem> {
    let Some(subjects) = &api.subjects else { return Err(Problem::bad_token()) };
    let hash = TokenHash::of(text);
    let catalog = api.store.catalog().await?;
    let now = api.clock.now();
    let checked = match api.jwts.get(&hash, catalog.version(), now) {
        Some(checked) => checked,
        None => {
            let checked = check(api, &catalog, text).await.map_err(Problem::bad_jwt)?;
            api.jwts.keep(hash, checked.clone(), now);
            checked
        }
    };
    let application = catalog.application(checked.application).ok_or_else(Problem::bad_token)?;
    let subject = Subject {
        application: checked.application,
        issuer: checked.issuer,
        subject: checked.believed.subject,
        issued_at: checked.believed.issued_at,
    };
    let user = subjects.user_of(subject).await.map_err(unavailable)?;
    let deleted = || "the user was deleted after the token was issued: have a new one issued";
    Ok(Principal {
        owner: Owner::Application(checked.application),
        kind: TokenKind::User,
        user: Some(user.ok_or_else(|| Problem::bad_jwt(deleted().to_owned()))?),
        application_name: Some(application.name.clone()),
        scopes: checked.believed.scopes.and(application.scopes),
        expires_at: Some(checked.believed.expires_at),
    })
}

fn unavailable(failure: OperationFailure) -> Problem {
    Problem::new(Code::StorageUnavailable, failure.to_string())
}

async fn check(api: &Api, catalog: &Catalog, text: &str) -> Result<Checked, String> {
    let unreadable = |_| "this looks like a JSON Web Token and cannot be read as one".to_owned();
    let header = decode_header(text).map_err(unreadable)?;
    if header.crit.is_some() {
        // What is critical must be understood (RFC 7515, section 4.1.11), and nothing is here.
        return Err("the token's header has `crit`, of which nothing is known here".to_owned());
    }
    let named: Named = insecure_decode_claims(text).map_err(unreadable)?;
    let (application, profile) = profile_of(catalog, &named)?;
    let algorithm = claims::algorithm(&header, profile)?;
    let (key, key_until) = match &profile.key {
        JwtKey::Public(pem) => (public_key(pem, algorithm.family())?, None),
        JwtKey::Shared(sealed) => {
            let secret = api.open(sealed, JwtKey::PURPOSE);
            let secret = secret.ok_or("the shared secret of the token's profile cannot be read")?;
            (DecodingKey::from_secret(secret.expose()), None)
        }
        JwtKey::Set(url) => {
            let wanted = (header.kid.as_deref(), algorithm.family());
            let now = api.clock.now().elapsed;
            let found = api.jwts.key_sets.key(&api.fetch_key_set, now, url, wanted).await?;
            (found.key, Some(found.until))
        }
    };
    let algorithm: Algorithm = algorithm.as_str().parse().map_err(unreadable)?;
    let believed = claims::believe(text, &key, algorithm, profile, api.clock.now().wall)?;
    let (issuer, application) = (profile.issuer.clone(), application.id);
    let catalog_version = catalog.version();
    Ok(Checked { catalog_version, key_until, application, issuer, believed })
}

/// The one profile of all applications that a token names.
fn profile_of<'a>(
    catalog: &'a Catalog,
    named: &Named,
) -> Result<(&'a Application, &'a JwtProfile), String> {
    let all = catalog.applications().flat_map(|application| {
        let profiles = application.settings.jwt_profiles.iter();
        profiles.map(move |profile| (&**application, profile))
    });
    let mut named = all.filter(|(_, profile)| named.names(profile));
    match (named.next(), named.next()) {
        (Some(found), None) => Ok(found),
        (None, _) => Err("no application knows the token's issuer with this audience: set up a \
                          profile that has its `iss` and `aud`"
            .to_owned()),
        (Some(_), Some(_)) => Err("the token's `aud` names several profiles: name one".to_owned()),
    }
}
