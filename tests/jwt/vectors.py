"""Makes tokens with PyJWT and keys with cryptography, neither of which is ours.

    python3 tests/jwt/vectors.py > crates/tidings-api/tests/it/jwt_vectors.json

The keys are new each time; what is committed was made once. The clock of the tests stands at NOW.
"""

import base64
import hashlib
import hmac
import json

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

NOW = 1613551727
ISSUER = "https://login.acme.example"
AUDIENCE = "tidings"
SECRET = "a shared secret of forty-one bytes, no less"


def public_pem(key):
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


KEYS = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "otherRsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
}
FAMILY = {"R": "rsa", "P": "rsa", "ES256": "p256", "ES384": "p384", "EdDSA": "ed"}


def key_of(algorithm):
    if algorithm.startswith("HS"):
        return SECRET
    return KEYS[FAMILY.get(algorithm) or FAMILY[algorithm[0]]]


def claims(**changes):
    base = {"iss": ISSUER, "aud": AUDIENCE, "sub": "customer-7", "exp": NOW + 600, "iat": NOW - 10}
    base.update(changes)
    return {name: value for name, value in base.items() if value is not None}


def token(algorithm="RS256", key=None, headers=None, **changes):
    return jwt.encode(claims(**changes), key or key_of(algorithm), algorithm, headers=headers)


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_public_key_as_secret():
    """HS256 with the text of the RSA public key: PyJWT itself refuses to make one."""
    message = b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    message += "." + b64(json.dumps(claims()).encode())
    secret = public_pem(KEYS["rsa"]).encode()
    return message + "." + b64(hmac.new(secret, message.encode(), hashlib.sha256).digest())


def jwk(key, kid):
    algorithm = {"rsa": "RS256", "otherRsa": "RS256", "p256": "ES256", "p384": "ES384", "ed": "EdDSA"}
    made = jwt.get_algorithm_by_name(algorithm[key]).to_jwk(KEYS[key].public_key())
    return json.loads(made) | {"kid": kid, "use": "sig"}


ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA HS256 HS384 HS512".split()

print(
    json.dumps(
        {
            "publicKeys": {name: public_pem(key) for name, key in KEYS.items()},
            "secret": SECRET,
            "keySet": {
                "keys": [
                    jwk("rsa", "one"),
                    jwk("p256", "two"),
                    jwk("otherRsa", "for encryption") | {"use": "enc"},
                    {"kty": "new", "kid": "x"},
                ]
            },
            "rotatedKeySet": {"keys": [jwk("rsa", "one"), jwk("otherRsa", "three")]},
            "algorithms": {algorithm: token(algorithm) for algorithm in ALGORITHMS},
            "right": {
                "several audiences": token(aud=["others", AUDIENCE]),
                "within the leeway": token(exp=NOW - 20, nbf=NOW + 20),
                "with fractions": token(exp=NOW + 600.5),
                "a scope": token(scope="read:accounts openid fire:triggers"),
                "a list of scopes": token(scope=["download:documents", "admin"]),
                "no scope that we know": token(scope="openid profile"),
                "another subject": token(sub="customer-8"),
                "issued later": token(iat=NOW + 3600, exp=NOW + 7200),
            },
            "wrong": {
                "alg none": jwt.encode(claims(), None, "none"),
                "HS256 with the public key": with_public_key_as_secret(),
                "an algorithm that is not allowed": token("RS512"),
                "another key": token(key=KEYS["otherRsa"]),
                "a signature that was cut": token()[:-8],
                "claims that were changed": token().rsplit(".", 2)[0]
                + "."
                + token(sub="root").split(".")[1]
                + "."
                + token().rsplit(".", 1)[1],
                "a critical header": token(headers={"crit": ["exp"], "exp": NOW + 600}),
                "expired": token(exp=NOW - 60),
                "no expiry": token(exp=None),
                "an expiry in capitals": token(exp=None, EXP=NOW + 600),
                "not yet": token(nbf=NOW + 60),
                "another audience": token(aud="somebody-else"),
                "no audience": token(aud=None),
                "another issuer": token(iss="https://login.evil.example"),
                "no issuer": token(iss=None),
                "no subject": token(sub=None),
                "an empty subject": token(sub=""),
                "a long subject": token(sub="x" * 256),
            },
            "keyIds": {
                "one": token(headers={"kid": "one"}),
                "two": token("ES256", headers={"kid": "two"}),
                "three": token(key=KEYS["otherRsa"], headers={"kid": "three"}),
                "traversal": token(headers={"kid": "../../../etc/passwd"}),
                "unknown": token(headers={"kid": "nine"}),
                "of another kind": token(headers={"kid": "two"}),
                "for encryption": token(key=KEYS["otherRsa"], headers={"kid": "for encryption"}),
                "none": token(),
            },
        },
        indent=1,
    )
)
