//! Tokens that an application signs itself (RFC 7519): by which rules they are checked.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{access::ScopeSet, application::Name, secret::Sealed};

/// How tokens of one issuer for one audience are checked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JwtProfile {
    /// What it is called; unique within its application.
    pub name: Name,
    /// The algorithms that may sign.
    pub algorithms: Vec<JwtAlgorithm>,
    /// The `iss` that a token must have.
    pub issuer: String,
    /// The `aud` that a token must have.
    pub audience: String,
    /// The most that a token may do.
    pub max_scopes: ScopeSet,
    /// What signatures are checked with.
    pub key: JwtKey,
}

/// What signatures are checked with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum JwtKey {
    /// A public key, as PEM.
    Public(String),
    /// A secret that the issuer has too.
    Shared(Sealed),
    /// Where the issuer's public keys are.
    Set(String),
}

impl JwtKey {
    /// What a shared secret is sealed for.
    pub const PURPOSE: &'static str = "application.jwt";
}

/// An algorithm that signs tokens (RFC 7518, RFC 8037). There is no `none`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are the names of the RFCs")]
pub enum JwtAlgorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// What kind of key an algorithm takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum JwtFamily {
    /// A shared secret.
    Secret,
    /// An RSA key.
    Rsa,
    /// A point on an elliptic curve.
    Curve,
    /// A point on an Edwards curve.
    Edwards,
}

impl JwtAlgorithm {
    /// All of them.
    pub const ALL: [JwtAlgorithm; 12] = [
        JwtAlgorithm::HS256,
        JwtAlgorithm::HS384,
        JwtAlgorithm::HS512,
        JwtAlgorithm::RS256,
        JwtAlgorithm::RS384,
        JwtAlgorithm::RS512,
        JwtAlgorithm::PS256,
        JwtAlgorithm::PS384,
        JwtAlgorithm::PS512,
        JwtAlgorithm::ES256,
        JwtAlgorithm::ES384,
        JwtAlgorithm::EdDSA,
    ];

    /// Its name in a token's header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            JwtAlgorithm::HS256 => "HS256",
            JwtAlgorithm::HS384 => "HS384",
            JwtAlgorithm::HS512 => "HS512",
            JwtAlgorithm::RS256 => "RS256",
            JwtAlgorithm::RS384 => "RS384",
            JwtAlgorithm::RS512 => "RS512",
            JwtAlgorithm::PS256 => "PS256",
            JwtAlgorithm::PS384 => "PS384",
            JwtAlgorithm::PS512 => "PS512",
            JwtAlgorithm::ES256 => "ES256",
            JwtAlgorithm::ES384 => "ES384",
            JwtAlgorithm::EdDSA => "EdDSA",
        }
    }

    /// What kind of key it takes.
    #[must_use]
    pub fn family(self) -> JwtFamily {
        match self {
            JwtAlgorithm::HS256 | JwtAlgorithm::HS384 | JwtAlgorithm::HS512 => JwtFamily::Secret,
            JwtAlgorithm::RS256
            | JwtAlgorithm::RS384
            | JwtAlgorithm::RS512
            | JwtAlgorithm::PS256
            | JwtAlgorithm::PS384
            | JwtAlgorithm::PS512 => JwtFamily::Rsa,
            JwtAlgorithm::ES256 | JwtAlgorithm::ES384 => JwtFamily::Curve,
            JwtAlgorithm::EdDSA => JwtFamily::Edwards,
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JwtAlgorithm {
    type Err = JwtAlgorithmError;

    fn from_str(text: &str) -> Result<JwtAlgorithm, JwtAlgorithmError> {
        let found = JwtAlgorithm::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| JwtAlgorithmError { text: text.chars().take(64).collect() })
    }
}

/// A text that is no such algorithm.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{text}` cannot sign tokens here: there are RS256, RS384, RS512, PS256, PS384, PS512, ES256, \
     ES384, EdDSA, and with a shared secret HS256, HS384, HS512"
)]
pub struct JwtAlgorithmError {
    /// What was given, cut to 64 characters.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_known_by_their_names_and_none_is_not_one_of_them() {
        for algorithm in JwtAlgorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
            let text = serde_json::to_string(&algorithm).unwrap();
            assert_eq!(text, format!("\"{algorithm}\""));
        }
        for text in ["none", "None", "hs256", "ES512", ""] {
            assert!(text.parse::<JwtAlgorithm>().is_err(), "{text}");
        }
    }
}
