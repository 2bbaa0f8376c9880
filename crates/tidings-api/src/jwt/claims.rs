//! What a token says, and which of it is believed.

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Header, Validation};
use serde::Deserialize;
use tidings_core::{
    access::{Scope, ScopeSet},
    jwt::{JwtAlgorithm, JwtFamily, JwtProfile},
    time::Wall,
};

/// How far the clocks of issuer and server may be apart.
const LEEWAY_MS: i64 = 30_000;
/// The longest `sub`, in characters.
const SUBJECT_CHARACTERS_MAX: usize = 255;

/// What is read of a token before anything of it is believed: which profile is to check it.
#[derive(Deserialize, Debug)]
pub(super) struct Named {
    iss: Option<String>,
    aud: Option<OneOrMore>,
}

impl Named {
    /// Whether the token says that it is for this profile.
    pub(super) fn names(&self, profile: &JwtProfile) -> bool {
        let has_audience = self.aud.as_ref().is_some_and(|aud| aud.has(&profile.audience));
        self.iss.as_deref() == Some(&*profile.issuer) && has_audience
    }
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn has(&self, text: &str) -> bool {
        match self {
            OneOrMore::One(one) => one == text,
            OneOrMore::More(more) => more.iter().any(|it| it == text),
        }
    }

    /// The names of scopes: one text with spaces between them (RFC 8693), or a list.
    fn names(&self) -> Vec<&str> {
        match self {
            OneOrMore::One(text) => text.split(' ').collect(),
            OneOrMore::More(list) => list.iter().map(String::as_str).collect(),
        }
    }
}

#[derive(Deserialize, Debug)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    scope: Option<OneOrMore>,
}

/// What is believed of a token whose signature is right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Believed {
    pub(super) subject: String,
    pub(super) issued_at: Option<Wall>,
    pub(super) expires_at: Wall,
    /// What it may do, as far as its profile and a user's token can go.
    pub(super) scopes: ScopeSet,
}

impl Believed {
    /// Whether the token has not ended.
    pub(super) fn is_valid(&self, now: Wall) -> bool {
        now.0 < self.expires_at.0.saturating_add(LEEWAY_MS)
    }
}

/// The algorithm of a header, where the profile lets it sign.
pub(super) fn algorithm(header: &Header, profile: &JwtProfile) -> Result<JwtAlgorithm, String> {
    let mut allowed = profile.algorithms.iter();
    let found =
        allowed.find(|it| it.as_str().parse::<Algorithm>().is_ok_and(|it| it == header.alg));
    found.copied().ok_or_else(|| {
        let profile = &profile.name;
        format!("the token's `alg` is none that the profile `{profile}` of its issuer allows")
    })
}

/// Checks the signature and every claim. The error is for people.
pub(super) fn believe(
    text: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    profile: &JwtProfile,
    now: Wall,
) -> Result<Believed, String> {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[&profile.issuer]);
    validation.set_audience(&[&profile.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The time is asked of our own clock, below.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let checked = jsonwebtoken::decode::<Claims>(text, key, &validation);
    let claims = checked.map_err(|error| format!("the token is not valid: {error}"))?.claims;
    let characters = claims.sub.chars().count();
    if !(1..=SUBJECT_CHARACTERS_MAX).contains(&characters) || claims.sub.contains(char::is_control)
    {
        let wanted = format!("1 to {SUBJECT_CHARACTERS_MAX} characters, no control characters");
        return Err(format!("the token's `sub` has {characters} characters: {wanted}"));
    }
    let believed = Believed {
        expires_at: date(claims.exp).ok_or("the token's `exp` is no date")?,
        issued_at: claims.iat.and_then(date),
        scopes: scopes(claims.scope.as_ref(), profile),
        subject: claims.sub,
    };
    if !believed.is_valid(now) {
        return Err("the token expired: its `exp` is in the past".to_owned());
    }
    let begins = claims.nbf.map_or(Some(now), date).ok_or("the token's `nbf` is no date")?;
    let latest = Wall(now.0.saturating_add(LEEWAY_MS));
    // Who was deleted comes back only with a token that was issued later, which nobody may claim.
    if believed.issued_at.is_some_and(|at| at > latest) {
        return Err("the token says that it was issued later than now: its `iat`".to_owned());
    }
    if begins > latest {
        return Err("the token does not count yet: its `nbf` is in the future".to_owned());
    }
    Ok(believed)
}

/// What a user's token can do, the profile lets it do, and the token asks for; where it asks for
/// nothing in particular, all of that. Names that mean nothing here are for somebody else.
fn scopes(asked: Option<&OneOrMore>, profile: &JwtProfile) -> ScopeSet {
    let most = profile.max_scopes.and(ScopeSet::for_users());
    let Some(asked) = asked else { return most };
    let asked: ScopeSet =
        asked.names().into_iter().filter_map(|name| name.parse::<Scope>().ok()).collect();
    most.and(asked)
}

/// Seconds since 1970, perhaps with a fraction.
fn date(seconds: f64) -> Option<Wall> {
    const SECONDS_MAX: f64 = 253_402_300_799.0;
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, reason = "the bounds are checked")]
    Some(Wall((seconds * 1_000.0) as i64))
}

pub(super) fn family(family: AlgorithmFamily) -> JwtFamily {
    match family {
        AlgorithmFamily::Hmac => JwtFamily::Secret,
        AlgorithmFamily::Rsa => JwtFamily::Rsa,
        AlgorithmFamily::Ec => JwtFamily::Curve,
        AlgorithmFamily::Ed => JwtFamily::Edwards,
    }
}
