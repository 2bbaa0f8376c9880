//! By which rules tokens are checked that an application signs itself.

use async_graphql::{InputObject, SimpleObject};
use tidings_core::{
    access::ScopeSet,
    application::Name,
    catalog::Catalog,
    ids::ApplicationId,
    jwt::{JwtAlgorithm, JwtFamily, JwtKey, JwtProfile as Profile},
    secret::Secret,
};
use tidings_graphql::{Problem, viewer::read_scopes};

use crate::{jwt::check_public_key, state::Api};

/// What is told where another profile is the same to a token.
pub(super) const PROFILE_TAKEN: &str =
    "another profile has this issuer and audience: choose another audience";
/// Profiles that one application has.
const PROFILES_MAX: usize = 16;
/// The longest issuer or audience, in characters.
const NAMED_CHARACTERS_MAX: usize = 512;
/// The shortest and the longest shared secret, in bytes: as much as the shortest hash (RFC 7518,
/// section 3.2).
const SECRET_BYTES_MIN: usize = 32;
const SECRET_BYTES_MAX: usize = 1_024;
/// The longest public key, in bytes of PEM.
const PEM_BYTES_MAX: usize = 8 * 1_024;

/// How tokens that an application signs itself are checked. It has one of `publicKey`,
/// `sharedSecret` and `jwksUrl`.
#[derive(InputObject, Clone, Debug)]
pub struct JwtProfileInput {
    /// What it is called.
    pub name: String,
    /// The algorithms that may sign: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and
    /// EdDSA, all of one kind where there is a `publicKey`; HS256, HS384 and HS512 with a
    /// `sharedSecret`.
    pub algorithms: Vec<String>,
    /// The `iss` that a token must have. No two profiles have the same issuer and audience.
    pub issuer: String,
    /// The `aud` that a token must have.
    pub audience: String,
    /// The most that a token may do: of `read:accounts` and `download:documents`.
    pub max_scopes: Vec<String>,
    /// The key that checks signatures, as PEM.
    pub public_key: Option<String>,
    /// The secret that checks signatures: 32 to 1,024 bytes. It is stored sealed, and never shown.
    pub shared_secret: Option<String>,
    /// Where the keys that check signatures are.
    pub jwks_url: Option<String>,
}

/// How tokens that an application signs itself are checked.
#[derive(SimpleObject, Clone, Debug)]
pub struct JwtProfile {
    /// What it is called.
    pub name: String,
    /// The algorithms that may sign.
    pub algorithms: Vec<String>,
    /// The `iss` that a token must have.
    pub issuer: String,
    /// The `aud` that a token must have.
    pub audience: String,
    /// The most that a token may do.
    pub max_scopes: Vec<String>,
    /// The key that checks signatures, as PEM; null where there is a secret or a set of keys.
    pub public_key: Option<String>,
    /// Where the keys that check signatures are; null where there is a secret or one key.
    pub jwks_url: Option<String>,
}

impl From<&Profile> for JwtProfile {
    fn from(stored: &Profile) -> JwtProfile {
        let (public_key, jwks_url) = match &stored.key {
            JwtKey::Public(pem) => (Some(pem.clone()), None),
            JwtKey::Set(url) => (None, Some(url.clone())),
            JwtKey::Shared(_) => (None, None),
        };
        JwtProfile {
            name: stored.name.to_string(),
            algorithms: stored.algorithms.iter().map(|it| it.to_string()).collect(),
            issuer: stored.issuer.clone(),
            audience: stored.audience.clone(),
            max_scopes: stored.max_scopes.iter().map(|scope| scope.to_string()).collect(),
            public_key,
            jwks_url,
        }
    }
}

/// What profiles are checked against.
pub(super) struct Surroundings<'a> {
    pub(super) api: &'a Api,
    pub(super) catalog: &'a Catalog,
    /// The application whose profiles they will be, where it is there already.
    pub(super) application: Option<ApplicationId>,
}

/// The profiles of an application, and what is wrong with them.
pub(super) fn profiles(
    around: &Surroundings<'_>,
    inputs: &[JwtProfileInput],
    problems: &mut Vec<Problem>,
) -> Vec<Profile> {
    if inputs.len() > PROFILES_MAX {
        let message = format!("{} profiles: write at most {PROFILES_MAX}", inputs.len());
        problems.push(Problem::new("/input/jwtProfiles", message));
        return Vec::new();
    }
    let mut profiles: Vec<Profile> = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let mut checking =
            Checking { path: format!("/input/jwtProfiles/{index}"), problems: &mut *problems };
        let Some(profile) = checking.profile(around.api, input) else { continue };
        if profiles.iter().any(|other| other.name == profile.name) {
            checking.refuse("/name", "two profiles have this name: choose another");
        }
        let others = around.catalog.applications();
        let others = others.filter(|other| Some(other.id) != around.application);
        let mut others = others.flat_map(|other| &other.settings.jwt_profiles);
        let is_same = |it: &Profile| it.issuer == profile.issuer && it.audience == profile.audience;
        if profiles.iter().any(is_same) || others.any(is_same) {
            checking.refuse("/audience", PROFILE_TAKEN);
        }
        profiles.push(profile);
    }
    profiles
}

/// One profile that is looked at.
struct Checking<'a> {
    path: String,
    problems: &'a mut Vec<Problem>,
}

impl Checking<'_> {
    fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(format!("{}{field}", self.path), message.into()));
    }

    fn profile(&mut self, api: &Api, input: &JwtProfileInput) -> Option<Profile> {
        let name = input.name.parse::<Name>();
        if let Err(error) = &name {
            self.refuse("/name", error.to_string());
        }
        for (field, text) in [("/issuer", &input.issuer), ("/audience", &input.audience)] {
            let characters = text.chars().count();
            if !(1..=NAMED_CHARACTERS_MAX).contains(&characters) || text.contains(char::is_control)
            {
                let most = NAMED_CHARACTERS_MAX;
                self.refuse(field, format!("write 1 to {most} characters, none for control"));
            }
        }
        let algorithms = self.algorithms(&input.algorithms);
        let max_scopes = self.max_scopes(&input.max_scopes);
        let key = self.key(api, input, &algorithms);
        Some(Profile {
            name: name.ok()?,
            algorithms,
            issuer: input.issuer.clone(),
            audience: input.audience.clone(),
            max_scopes,
            key: key?,
        })
    }

    fn algorithms(&mut self, texts: &[String]) -> Vec<JwtAlgorithm> {
        if texts.is_empty() {
            self.refuse("/algorithms", "name at least one algorithm, as in RS256");
        }
        let mut algorithms = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match text.parse::<JwtAlgorithm>() {
                Ok(algorithm) if algorithms.contains(&algorithm) => {}
                Ok(algorithm) => algorithms.push(algorithm),
                Err(error) => self.refuse(&format!("/algorithms/{index}"), error.to_string()),
            }
        }
        algorithms
    }

    fn max_scopes(&mut self, texts: &[String]) -> ScopeSet {
        if texts.is_empty() {
            self.refuse("/maxScopes", "name at least one scope: without any a token opens nothing");
        }
        let path = format!("{}/maxScopes", self.path);
        let more = |scope| format!("`{scope}` is not for users' tokens: leave it out");
        read_scopes(&path, texts, ScopeSet::for_users(), self.problems, more)
    }

    fn key(
        &mut self,
        api: &Api,
        input: &JwtProfileInput,
        algorithms: &[JwtAlgorithm],
    ) -> Option<JwtKey> {
        let takes_secret = algorithms.iter().any(|it| it.family() == JwtFamily::Secret);
        let takes_public = algorithms.iter().any(|it| it.family() != JwtFamily::Secret);
        match (&input.public_key, &input.shared_secret, &input.jwks_url) {
            (None, Some(secret), None) => {
                if takes_public {
                    let message = "with a shared secret only HS256, HS384 and HS512 can sign";
                    self.refuse("/algorithms", message);
                }
                if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len()) {
                    let wanted = format!("write {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX}");
                    let message = format!("{} bytes were given: {wanted}", secret.len());
                    self.refuse("/sharedSecret", message);
                }
                let secret = Secret::new(secret.as_bytes().to_vec());
                Some(JwtKey::Shared(api.seal(&secret, JwtKey::PURPOSE)))
            }
            (Some(pem), None, None) => {
                self.refuse_secret(takes_secret);
                self.public_key(pem, algorithms)
            }
            (None, None, Some(url)) => {
                self.refuse_secret(takes_secret);
                if let Err(why) = (api.url_policy)(url) {
                    self.refuse("/jwksUrl", why);
                }
                Some(JwtKey::Set(url.clone()))
            }
            _ => {
                self.refuse("", "write one of `publicKey`, `sharedSecret` and `jwksUrl`");
                None
            }
        }
    }

    /// A key that everyone may know must not be what makes a signature right.
    fn refuse_secret(&mut self, takes_secret: bool) {
        if takes_secret {
            let message = "HS256, HS384 and HS512 take a `sharedSecret`: write it, or another \
                           algorithm";
            self.refuse("/algorithms", message);
        }
    }

    fn public_key(&mut self, pem: &str, algorithms: &[JwtAlgorithm]) -> Option<JwtKey> {
        let family = algorithms.first()?.family();
        if algorithms.iter().any(|it| it.family() != family) {
            let message = "one public key is of one kind: RS and PS, or ES, or EdDSA";
            self.refuse("/algorithms", message);
        }
        if pem.len() > PEM_BYTES_MAX {
            self.refuse("/publicKey", format!("a key in PEM has at most {PEM_BYTES_MAX} bytes"));
        } else if family != JwtFamily::Secret
            && let Err(why) = check_public_key(pem, family)
        {
            self.refuse("/publicKey", why);
        }
        Some(JwtKey::Public(pem.to_owned()))
    }
}
