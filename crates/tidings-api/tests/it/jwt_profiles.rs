//! The rules by which applications' own tokens are checked, when they are saved.

use serde_json::{Value, json};
use tidings_store::Store;

use crate::{
    jwts::{VECTORS, profile, set},
    support::{Door, OPERATOR},
};

/// The problems of these profiles of acme.
async fn problems(door: &Door, profiles: &[Value]) -> Vec<(String, String)> {
    let query = "mutation($input: UpdateApplicationInput!) {
        answer: updateApplication(name: \"acme\", input: $input) { __typename
        ... on OperationFailure { code problems { path message } } } }";
    let variables = json!({ "input": { "jwtProfiles": profiles } });
    let answer = door.graphql(OPERATOR, query, variables).await["answer"].clone();
    let problems = answer["problems"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    problems.iter().map(|it| (text(&it["path"]), text(&it["message"]))).collect()
}

#[tokio::test]
async fn each_fault_of_a_profile_is_told_at_its_place() {
    let door = Door::open().await;
    let secret = VECTORS["secret"].clone();
    let private = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n";
    let ec = VECTORS["publicKeys"]["p256"].clone();
    for (change, path, part) in [
        (json!({ "name": "Log in" }), "/name", "is not a name"),
        (json!({ "algorithms": [] }), "/algorithms", "at least one"),
        (json!({ "algorithms": ["none"] }), "/algorithms/0", "`none`"),
        (json!({ "algorithms": ["RS256", "HS256"] }), "/algorithms", "`sharedSecret`"),
        (json!({ "algorithms": ["RS256", "ES256"] }), "/algorithms", "one kind"),
        (json!({ "publicKey": null, "sharedSecret": secret }), "/algorithms", "only HS256"),
        (
            json!({ "publicKey": null, "sharedSecret": "short", "algorithms": ["HS256"] }),
            "/sharedSecret",
            "5 bytes",
        ),
        (json!({ "sharedSecret": secret }), "", "one of"),
        (json!({ "publicKey": null }), "", "one of"),
        (json!({ "publicKey": private }), "/publicKey", "private key"),
        (json!({ "publicKey": "a key" }), "/publicKey", "PEM"),
        (json!({ "publicKey": ec }), "/publicKey", "PEM"),
        (json!({ "issuer": "" }), "/issuer", "1 to 512"),
        (json!({ "audience": "x".repeat(513) }), "/audience", "1 to 512"),
        (json!({ "maxScopes": [] }), "/maxScopes", "at least one"),
        (json!({ "maxScopes": ["fire:triggers"] }), "/maxScopes/0", "`fire:triggers`"),
        (json!({ "maxScopes": ["everything"] }), "/maxScopes/0", "`everything`"),
        (json!({ "publicKey": null, "jwksUrl": "http://169.254.169.254/keys" }), "/jwksUrl", ""),
    ] {
        let found = problems(&door, &[profile(&change)]).await;
        let path = format!("/input/jwtProfiles/0{path}");
        let is_told = found.iter().any(|it| it.0 == path && it.1.contains(part));
        assert!(is_told, "{change}: {found:?}");
    }
    let many = vec![profile(&json!({})); 17];
    assert_eq!(problems(&door, &many).await[0].0, "/input/jwtProfiles");
}

#[tokio::test]
async fn no_two_profiles_have_the_same_issuer_and_audience() {
    let door = Door::open().await;
    let twice = [profile(&json!({})), profile(&json!({}))];
    let found = problems(&door, &twice).await;
    let paths: Vec<&str> = found.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(paths, ["/input/jwtProfiles/1/name", "/input/jwtProfiles/1/audience"]);
    set(&door, "other", json!([profile(&json!({}))])).await;
    let found = problems(&door, &[profile(&json!({}))]).await;
    assert_eq!(found[0].0, "/input/jwtProfiles/0/audience");
    assert!(problems(&door, &[profile(&json!({ "audience": "acme" }))]).await.is_empty());
    // What an application has already is its own.
    assert!(problems(&door, &[profile(&json!({ "audience": "acme" }))]).await.is_empty());
}

#[tokio::test]
async fn a_shared_secret_is_stored_sealed_and_never_shown() {
    let door = Door::open().await;
    let secret = VECTORS["secret"].as_str().unwrap();
    let change = json!({ "publicKey": null, "sharedSecret": secret, "algorithms": ["HS256"] });
    let shown = set(&door, "acme", json!([profile(&change)])).await;
    assert_eq!(shown["jwtProfiles"][0]["publicKey"], Value::Null);
    assert_eq!(shown["jwtProfiles"][0]["algorithms"], json!(["HS256"]));
    let catalog = door.store.catalog().await.unwrap();
    let stored = serde_json::to_string(catalog.application(door.acme.id).unwrap()).unwrap();
    for text in [stored, shown.to_string()] {
        assert!(!text.contains(secret), "{text}");
    }
}
