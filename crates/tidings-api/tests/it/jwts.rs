//! Tokens that applications sign themselves. Those here were made by PyJWT: see tests/jwt.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::{ACME, Answer, Door, OPERATOR};

pub static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("jwt_vectors.json")).unwrap());
/// Where the issuer's keys are.
const KEYS_URL: &str = "https://login.acme.example/keys.json";

/// A profile that is in order, changed by these members; null takes one away.
pub fn profile(change: &Value) -> Value {
    let mut profile = json!({
        "name": "login", "algorithms": ["RS256"], "issuer": "https://login.acme.example",
        "audience": "tidings", "maxScopes": ["read:accounts", "download:documents"],
        "publicKey": VECTORS["publicKeys"]["rsa"],
    });
    for (name, value) in change.as_object().unwrap() {
        profile[name] = value.clone();
    }
    profile.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    profile
}

/// Sets the profiles of an application.
pub async fn set(door: &Door, application: &str, profiles: Value) -> Value {
    let query = "mutation($name: String!, $input: UpdateApplicationInput!) {
        answer: updateApplication(name: $name, input: $input) { __typename
        ... on Application { jwtProfiles { name algorithms issuer audience maxScopes publicKey
            jwksUrl } }
        ... on OperationFailure { code problems { path message } } } }";
    let variables = json!({ "name": application, "input": { "jwtProfiles": profiles } });
    let answer = door.graphql(OPERATOR, query, variables).await["answer"].clone();
    assert_eq!(answer["__typename"], "Application", "{answer}");
    answer
}

async fn door_with(change: Value) -> Door {
    let door = Door::open().await;
    set(&door, "acme", json!([profile(&change)])).await;
    door
}

/// A door whose issuer has a key set.
async fn door_with_keys() -> Door {
    let change =
        json!({ "publicKey": null, "jwksUrl": KEYS_URL, "algorithms": ["RS256", "ES256"] });
    let door = door_with(change).await;
    offer(&door, Ok(VECTORS["keySet"].to_string()));
    door
}

fn offer(door: &Door, set: Result<String, String>) {
    door.key_sets.sets.lock().unwrap().insert(KEYS_URL.to_owned(), set);
}

pub fn vector(group: &str, name: &str) -> &'static str {
    VECTORS[group][name].as_str().unwrap_or_else(|| panic!("no vector {group}/{name}"))
}

/// Asks for something that every token may have and no wrong one.
async fn open(door: &Door, token: &str) -> Answer {
    door.get("/v1/schema.graphql", Some(token)).await
}

async fn detail(door: &Door, token: &str) -> String {
    let answer = open(door, token).await;
    let problem = answer.assert_problem(401, "unauthenticated");
    assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
    problem["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn tokens_of_every_algorithm_open_the_door_with_the_key_of_their_kind() {
    for (algorithms, key) in [
        (vec!["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], Some("rsa")),
        (vec!["ES256"], Some("p256")),
        (vec!["ES384"], Some("p384")),
        (vec!["EdDSA"], Some("ed")),
        (vec!["HS256", "HS384", "HS512"], None),
    ] {
        let public_key = key.map_or(Value::Null, |key| VECTORS["publicKeys"][key].clone());
        let secret = if key.is_none() { VECTORS["secret"].clone() } else { Value::Null };
        let change = json!({
            "algorithms": algorithms, "publicKey": public_key, "sharedSecret": secret,
        });
        let door = door_with(change).await;
        for algorithm in algorithms {
            let answer = open(&door, vector("algorithms", algorithm)).await;
            assert_eq!(answer.status, 200, "{algorithm}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_token_keeps_the_door_shut() {
    let door = door_with(json!({})).await;
    for (name, token) in VECTORS["wrong"].as_object().unwrap() {
        detail(&door, token.as_str().unwrap()).await;
        assert!(door.subjects.asked.lock().unwrap().is_empty(), "a user of a token with {name}");
    }
    for name in ["several audiences", "within the leeway", "with fractions", "another subject"] {
        let answer = open(&door, vector("right", name)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    }
    let huge = format!("{}x", "a.b.".repeat(2_048));
    for token in ["..", "a.b.c", huge.as_str(), "e30.e30.e30"] {
        detail(&door, token).await;
    }
}

#[tokio::test]
async fn the_issuer_is_told_what_is_wrong() {
    let door = door_with(json!({})).await;
    for (name, part) in [
        ("expired", "`exp` is in the past"),
        ("not yet", "`nbf` is in the future"),
        ("another audience", "no application knows the token's issuer"),
        ("an algorithm that is not allowed", "the profile `login`"),
        ("another key", "InvalidSignature"),
        ("a long subject", "256 characters"),
    ] {
        let detail = detail(&door, vector("wrong", name)).await;
        assert!(detail.contains(part), "{name}: {detail}");
    }
}

#[tokio::test]
async fn a_token_is_its_users_with_what_its_profile_and_its_application_allow() {
    let door = door_with(json!({})).await;
    let path = "/v1/documents/5d5d8f0a9f2b3c4d5e6f7a8b";
    // Whoever may download is told that there is no such document.
    for (name, status) in [
        ("several audiences", 404),
        ("a scope", 403),
        ("a list of scopes", 404),
        ("no scope that we know", 403),
    ] {
        let answer = door.get(path, Some(vector("right", name))).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
    }
    let fires = door.fire(vector("right", "a scope"), json!({ "trigger": "UserAdded", "id": "u" }));
    fires.await.assert_problem(403, "not_permitted");
    let asked = door.subjects.asked.lock().unwrap().remove(0);
    assert_eq!((asked.application, &*asked.subject), (door.acme.id, "customer-7"));
    set(&door, "acme", json!([profile(&json!({ "maxScopes": ["read:accounts"] }))])).await;
    let answer = door.get(path, Some(vector("right", "several audiences"))).await;
    assert_eq!(answer.status, 403, "the profile was changed: {}", answer.text);
}

#[tokio::test]
async fn a_token_ends_with_its_expiry_its_profile_its_application_and_its_user() {
    let door = door_with(json!({})).await;
    let token = vector("right", "several audiences");
    assert_eq!(open(&door, token).await.status, 200);
    door.subjects.deleted.lock().unwrap().push("customer-7".to_owned());
    assert!(detail(&door, token).await.contains("the user was deleted"));
    door.subjects.deleted.lock().unwrap().clear();
    assert_eq!(open(&door, token).await.status, 200);
    set(&door, "acme", json!([])).await;
    detail(&door, token).await;
    set(&door, "acme", json!([profile(&json!({}))])).await;
    assert_eq!(open(&door, token).await.status, 200);
    door.clock.pass_ms(631_000);
    assert!(detail(&door, token).await.contains("expired"));
    let later = vector("right", "issued later");
    assert!(detail(&door, later).await.contains("issued later than now"));
    door.clock.pass_ms(3_600_000 - 631_000);
    assert_eq!(open(&door, later).await.status, 200);
    let delete = "mutation { deleteApplication(name: \"acme\") { __typename } }";
    door.graphql(OPERATOR, delete, json!({})).await;
    detail(&door, later).await;
}

#[tokio::test]
async fn keys_are_found_in_the_issuers_set_by_their_ids() {
    let door = door_with_keys().await;
    for name in ["one", "two", "none"] {
        let answer = open(&door, vector("keyIds", name)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    }
    for name in ["three", "traversal", "unknown", "of another kind", "for encryption"] {
        assert!(detail(&door, vector("keyIds", name)).await.contains("`kid`"), "{name}");
    }
    assert_eq!(*door.key_sets.reads.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_set_is_read_again_for_a_new_key_once_a_minute_and_otherwise_every_ten_minutes() {
    let door = door_with_keys().await;
    let reads = || *door.key_sets.reads.lock().unwrap();
    assert_eq!(open(&door, vector("keyIds", "one")).await.status, 200);
    offer(&door, Ok(VECTORS["rotatedKeySet"].to_string()));
    door.clock.pass_ms(59_000);
    detail(&door, vector("keyIds", "three")).await;
    assert_eq!(reads(), 1);
    door.clock.pass_ms(1_000);
    assert_eq!(open(&door, vector("keyIds", "three")).await.status, 200);
    assert_eq!(reads(), 2);
    detail(&door, vector("keyIds", "unknown")).await;
    assert_eq!(reads(), 2);
}

#[tokio::test]
async fn a_key_that_was_taken_out_of_a_set_opens_nothing_after_ten_minutes() {
    let door = door_with_keys().await;
    let token = vector("keyIds", "two");
    assert_eq!(open(&door, token).await.status, 200);
    offer(&door, Ok(VECTORS["rotatedKeySet"].to_string()));
    door.clock.pass_ms(599_999);
    assert_eq!(open(&door, token).await.status, 200);
    door.clock.pass_ms(1);
    assert!(detail(&door, token).await.contains("`kid`"));
}

#[tokio::test]
async fn an_issuer_that_is_down_does_not_sign_its_users_out_at_once() {
    let door = door_with_keys().await;
    let token = vector("keyIds", "one");
    assert_eq!(open(&door, token).await.status, 200);
    offer(&door, Err("down".to_owned()));
    door.clock.pass_ms(600_000);
    assert_eq!(open(&door, token).await.status, 200);
    assert!(detail(&door, vector("keyIds", "unknown")).await.contains("down"));
    assert_eq!(*door.key_sets.reads.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_set_that_cannot_be_read_is_said_and_asked_for_again_a_little_later() {
    let door = door_with_keys().await;
    offer(&door, Err("it is larger than 256 KiB".to_owned()));
    let token = vector("keyIds", "one");
    for _ in 0..3 {
        assert!(detail(&door, token).await.contains("larger than 256 KiB"));
    }
    assert_eq!(*door.key_sets.reads.lock().unwrap(), 1);
    offer(&door, Ok("<html>".to_owned()));
    door.clock.pass_ms(10_000);
    assert!(detail(&door, token).await.contains("not a JSON Web Key Set"));
    offer(&door, Ok(VECTORS["keySet"].to_string()));
    door.clock.pass_ms(10_000);
    assert_eq!(open(&door, token).await.status, 200);
}

#[tokio::test]
async fn many_requests_at_once_read_a_set_once() {
    let door = door_with_keys().await;
    let all = (0..20).map(|_| open(&door, vector("keyIds", "one")));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(*door.key_sets.reads.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_token_that_names_the_profiles_of_two_applications_is_neithers() {
    let door = door_with(json!({})).await;
    set(&door, "other", json!([profile(&json!({ "audience": "others" }))])).await;
    let token = vector("right", "several audiences");
    assert!(detail(&door, token).await.contains("names several profiles"));
    assert_eq!(open(&door, ACME).await.status, 200);
}
