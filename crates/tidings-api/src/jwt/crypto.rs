//! What checks signatures: `ring`, which TLS has brought along already. A key checks the algorithms
//! of its own family alone, so that no public key is ever taken for a secret.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{self, Verifier},
};
use ring::{
    hmac,
    signature::{self as keys, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey},
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes this what checks signatures in this process. Doing so again changes nothing.
pub(super) fn install() {
    let (Ok(()) | Err(_)) = PROVIDER.install_default();
}

/// Nothing is signed here.
fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::UnsupportedAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(Check { algorithm: *algorithm, key: key.clone() }))
}

struct Check {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for Check {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for Check {
    fn verify(&self, message: &[u8], given: &Vec<u8>) -> Result<(), signature::Error> {
        let checked = match (self.algorithm.family(), self.key.kind()) {
            (AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
                let key = hmac::Key::new(hash(self.algorithm)?, secret);
                hmac::verify(&key, message, given)
            }
            (AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(der)) => {
                UnparsedPublicKey::new(rsa(self.algorithm)?, der).verify(message, given)
            }
            (AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(rsa(self.algorithm)?, message, given)
            }
            (_, DecodingKeyKind::SecretOrDer(point)) => match self.algorithm {
                Algorithm::ES256 => {
                    let key = UnparsedPublicKey::new(&keys::ECDSA_P256_SHA256_FIXED, point);
                    key.verify(message, given)
                }
                Algorithm::ES384 => {
                    let key = UnparsedPublicKey::new(&keys::ECDSA_P384_SHA384_FIXED, point);
                    key.verify(message, given)
                }
                Algorithm::EdDSA => {
                    UnparsedPublicKey::new(&keys::ED25519, point).verify(message, given)
                }
                _ => return Err(signature::Error::new()),
            },
            (_, DecodingKeyKind::RsaModulusExponent { .. }) => return Err(signature::Error::new()),
        };
        checked.map_err(|_| signature::Error::new())
    }
}

fn hash(algorithm: Algorithm) -> Result<hmac::Algorithm, signature::Error> {
    match algorithm {
        Algorithm::HS256 => Ok(hmac::HMAC_SHA256),
        Algorithm::HS384 => Ok(hmac::HMAC_SHA384),
        Algorithm::HS512 => Ok(hmac::HMAC_SHA512),
        _ => Err(signature::Error::new()),
    }
}

fn rsa(algorithm: Algorithm) -> Result<&'static RsaParameters, signature::Error> {
    match algorithm {
        Algorithm::RS256 => Ok(&keys::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Ok(&keys::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Ok(&keys::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Ok(&keys::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Ok(&keys::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Ok(&keys::RSA_PSS_2048_8192_SHA512),
        _ => Err(signature::Error::new()),
    }
}
