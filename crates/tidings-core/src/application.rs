//! A client application: who owns webhooks, keys and tokens; the border of isolation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{access::ScopeSet, ids::ApplicationId, jwt::JwtProfile, time::Wall};

/// A name that appears in commands and paths: `[a-z0-9][a-z0-9_-]{0,62}`. Applications and sources
/// have one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 63;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Name, NameError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let starts_well = text.bytes().next().is_some_and(is_plain);
        let goes_on_well = text.bytes().all(|byte| is_plain(byte) || matches!(byte, b'_' | b'-'));
        if text.len() > Name::BYTES_MAX || !starts_well || !goes_on_well {
            return Err(NameError { text: text.chars().take(64).collect() });
        }
        Ok(Name(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A text that is not such a name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{text}` is not a name: write 1 to 63 lower-case letters, digits, `-` or `_`, \
     with a letter or digit first"
)]
pub struct NameError {
    /// What was given, cut to 64 characters.
    pub text: String,
}

/// A client application as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Application {
    /// Its number.
    pub id: ApplicationId,
    /// Its name, unique among those that are not deleted.
    pub name: Name,
    /// Counts its changes, so that of two who change it at the same moment one is told.
    #[serde(default)]
    pub version: u64,
    /// The most that its tokens, and its webhooks' queries, may do.
    pub scopes: ScopeSet,
    /// How long its tokens last, in seconds; absent: for ever.
    pub token_lifetime_s: Option<u32>,
    /// Settings of Auth Link and token mechanisms, kept for the features that read them.
    pub settings: ApplicationSettings,
    /// When it was added.
    pub added_at: Wall,
    /// When it was last changed.
    pub updated_at: Wall,
}

/// Whether an application can keep a secret (RFC 6749, section 2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClientType {
    /// It has a client secret.
    Confidential,
    /// It has none and uses PKCE.
    Public,
}

/// What else is known of an application.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApplicationSettings {
    /// Where people may be sent back to, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Whether it can keep a secret.
    pub client_type: ClientType,
    /// What it may have collected of accounts; `None`: everything.
    #[serde(default)]
    pub access_levels: Option<Vec<AccessLevel>>,
    /// By which rules tokens are checked that it signs itself.
    #[serde(default)]
    pub jwt_profiles: Vec<JwtProfile>,
}

impl ApplicationSettings {
    /// Whether it may have accounts collected so.
    #[must_use]
    pub fn allows(&self, level: AccessLevel) -> bool {
        self.access_levels.as_ref().is_none_or(|allowed| allowed.contains(&level))
    }
}

/// How far an account may be looked into. It is only ever read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessLevel {
    /// What is known of the current provisions, as fast as possible; no documents.
    QuickCheck,
    /// The provisions and all documents that can be seen, once.
    FullCheck,
    /// The same, and again and again what is new.
    FullCheckOngoing,
}

impl AccessLevel {
    /// Its name in the interface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AccessLevel::QuickCheck => "QUICK_CHECK",
            AccessLevel::FullCheck => "FULL_CHECK",
            AccessLevel::FullCheckOngoing => "FULL_CHECK_ONGOING",
        }
    }
}
