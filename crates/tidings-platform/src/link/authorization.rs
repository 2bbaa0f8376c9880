//! The request for authorization (RFC 6749, section 4.1.1; RFC 7636, section 4.3): who asks for
//! what, and where the user is sent back to.

use std::sync::Arc;

use tidings_core::{
    access::{Scope, ScopeSet},
    application::{Application, ClientType, Name},
    catalog::Catalog,
};
use tidings_graphql::{AccessLevel, Locale};

use super::form::{Form, with_parameters};

/// What a refresh token is asked for with.
pub(super) const OFFLINE_ACCESS: &str = "offline_access";
/// The longest `state`.
const STATE_BYTES_MAX: usize = 2_048;
/// Schemes of URIs that would run or show something of the sender's.
const SCHEMES_REFUSED: [&str; 5] = ["javascript", "data", "vbscript", "blob", "file"];

/// A request that is in order.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Authorization {
    pub(super) application: Arc<Application>,
    pub(super) back: Back,
    /// The challenge of PKCE, made with `S256`.
    pub(super) challenge: Option<String>,
    pub(super) scopes: ScopeSet,
    /// Whether a refresh token is asked for.
    pub(super) offline: bool,
    /// The provider that the application named.
    pub(super) provider: Option<String>,
    /// The access level that the application named.
    pub(super) access_level: Option<AccessLevel>,
}

impl Authorization {
    /// Whether the application still is one, and the place still its own: either may have been
    /// taken away since the request came.
    pub(super) fn is_still_known(&self, catalog: &Catalog) -> Result<(), Unknown> {
        let application = catalog.application(self.application.id).ok_or(Unknown::Client)?;
        if is_own(application, &self.back.uri) { Ok(()) } else { Err(Unknown::RedirectUri) }
    }
}

/// Where the user is sent back to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Back {
    /// One of the application's own redirect URIs.
    pub(super) uri: String,
    /// What the application gave to know the user again by.
    pub(super) state: Option<String>,
}

impl Back {
    /// The whole address, with what is told, `state` and who tells it (RFC 9207).
    pub(super) fn with(&self, told: &[(&str, &str)], issuer: &str) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        let told: Vec<(&str, &str)> =
            told.iter().copied().chain(state).chain([("iss", issuer)]).collect();
        with_parameters(&self.uri, &told)
    }

    /// What a policy of contents calls the place: its origin, or its scheme where it has none.
    pub(super) fn place(&self) -> Option<String> {
        let url = url::Url::parse(&self.uri).ok()?;
        let scheme = format!("{}:", url.scheme());
        let is_named = matches!(url.host(), Some(url::Host::Domain(_) | url::Host::Ipv4(_)));
        let is_web = matches!(url.scheme(), "http" | "https");
        // A policy has no spelling for an address of version 6.
        Some(if is_web && is_named { url.origin().ascii_serialization() } else { scheme })
    }
}

/// A request that is not in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// The user stays here: nobody knows that the address is the application's.
    Here(Unknown),
    /// The application is told.
    Back(Back, Told),
}

/// What keeps the user here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unknown {
    /// There is no such application.
    Client,
    /// The application has not this redirect URI.
    RedirectUri,
    /// A parameter stands there twice.
    Ambiguous,
}

/// An error of RFC 6749, section 4.1.2.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Told {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

const fn told(error: &'static str, description: &'static str) -> Told {
    Told { error, description }
}

/// The language that the application or, for want of that, the browser asks for.
pub(super) fn locale_of(query: &Form, accepted: Option<&str>) -> Locale {
    let given = query.get("locale").or_else(|| query.get("ui_locales")).or(accepted);
    let wanted = given.unwrap_or_default().split([' ', ',']).find_map(|language| {
        let primary = language.trim().split(['-', '_', ';']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "cy" => Some(Locale::CyGb),
            "en" => Some(Locale::EnGb),
            _ => None,
        }
    });
    wanted.unwrap_or_default()
}

/// Checks a request against the applications that there are.
pub(super) fn check(query: &Form, catalog: &Catalog) -> Result<Authorization, Refused> {
    if query.is_ambiguous() {
        return Err(Refused::Here(Unknown::Ambiguous));
    }
    let name = query.get("client_id").and_then(|name| name.parse::<Name>().ok());
    let application = name.and_then(|name| catalog.application_named(&name).cloned());
    let application = application.ok_or(Refused::Here(Unknown::Client))?;
    let uri = query.get("redirect_uri").filter(|uri| is_own(&application, uri));
    let uri = uri.ok_or(Refused::Here(Unknown::RedirectUri))?;
    let state = query.get("state").map(str::to_owned);
    let back = Back { uri: uri.to_owned(), state };
    asked_for(query, application, back.clone()).map_err(|told| Refused::Back(back, told))
}

/// Whether the application has exactly this redirect URI (RFC 9700, section 2.1).
fn is_own(application: &Application, uri: &str) -> bool {
    let scheme = uri.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let is_safe = !SCHEMES_REFUSED.contains(&scheme.as_str()) && !uri.contains('#');
    is_safe && application.settings.redirect_uris.iter().any(|own| own == uri)
}

fn asked_for(
    query: &Form,
    application: Arc<Application>,
    back: Back,
) -> Result<Authorization, Told> {
    if back.state.as_ref().is_some_and(|state| state.len() > STATE_BYTES_MAX) {
        return Err(told("invalid_request", "state is longer than 2048 bytes"));
    }
    match query.get("response_type") {
        Some("code") => {}
        None => return Err(told("invalid_request", "response_type is missing: send code")),
        Some(_) => return Err(told("unsupported_response_type", "response_type must be code")),
    }
    if query.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(told("invalid_request", "response_mode must be query"));
    }
    let challenge = challenge_of(query, application.settings.client_type)?;
    let (scopes, offline) = scopes_of(query.get("scope"), application.scopes)
        .ok_or(told("invalid_scope", SCOPES_WANTED))?;
    let access_level = match query.get("access_level") {
        None => None,
        Some(name) => Some(level_named(name, &application).ok_or(told(
            "invalid_request",
            "access_level must be QUICK_CHECK, FULL_CHECK or FULL_CHECK_ONGOING, and one that the \
             application may use",
        ))?),
    };
    let provider = query.get("provider").map(str::to_owned);
    Ok(Authorization { application, back, challenge, scopes, offline, provider, access_level })
}

const SCOPES_WANTED: &str = "scope must be made of read:accounts, download:documents and \
     offline_access, and of what the application may do";

fn challenge_of(query: &Form, client_type: ClientType) -> Result<Option<String>, Told> {
    let Some(challenge) = query.get("code_challenge") else {
        if query.get("code_challenge_method").is_some() {
            return Err(told("invalid_request", "code_challenge is missing"));
        }
        if client_type == ClientType::Public {
            let wanted = "a public client must send code_challenge and code_challenge_method=S256";
            return Err(told("invalid_request", wanted));
        }
        return Ok(None);
    };
    if query.get("code_challenge_method") != Some("S256") {
        return Err(told("invalid_request", "code_challenge_method must be S256"));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if challenge.len() != 43 || !challenge.bytes().all(is_plain) {
        let wanted = "code_challenge must be the SHA-256 of the verifier in 43 characters of \
                      base64url";
        return Err(told("invalid_request", wanted));
    }
    Ok(Some(challenge.to_owned()))
}

/// The scopes that a list names, and whether a refresh token is among them. `None`: something is
/// not to be had. A list that is left out asks to read accounts.
pub(super) fn scopes_of(list: Option<&str>, allowed: ScopeSet) -> Option<(ScopeSet, bool)> {
    let list = list.unwrap_or(Scope::ReadAccounts.as_str());
    let mut names: Vec<&str> = list.split(' ').filter(|name| !name.is_empty()).collect();
    let offline = names.contains(&OFFLINE_ACCESS);
    names.retain(|name| *name != OFFLINE_ACCESS);
    let mut scopes = Vec::new();
    for name in names {
        scopes.push(name.parse::<Scope>().ok()?);
    }
    let scopes: ScopeSet = scopes.into_iter().collect();
    let fits = ScopeSet::for_users().covers(scopes) && allowed.covers(scopes);
    (fits && scopes != ScopeSet::NONE).then_some((scopes, offline))
}

fn level_named(name: &str, application: &Application) -> Option<AccessLevel> {
    use tidings_core::application::AccessLevel as Level;
    let all = [Level::QuickCheck, Level::FullCheck, Level::FullCheckOngoing];
    let level = all.into_iter().find(|level| level.as_str() == name)?;
    application.settings.allows(level).then(|| AccessLevel::from(level))
}
