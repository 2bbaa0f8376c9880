//! Users with tokens from master tokens, and with tokens that their application signed.

use serde_json::{Value, json};

use crate::support::{
    http::{ask, graphql},
    program::Installation,
};

const SECRET: &str = "a shared secret of forty-one bytes, no less";
/// Made by PyJWT with that secret, for `customer-7`, to last until the year 2100.
const SIGNED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmFjbWU\
    uZXhhbXBsZSIsImF1ZCI6InRpZGluZ3MiLCJzdWIiOiJjdXN0b21lci03IiwiZXhwIjo0MTA\
    yNDQ0ODAwLCJpYXQiOjE2MTM1NTE3MjcsInNjb3BlIjoicmVhZDphY2NvdW50cyJ9.0lG1cS\
    ZdCsq43lEizkia7Z-yYv1yPLUjWULC2aRuvRw";
const ASK: &str = "{ getAuthorisedUser { user { id tenantId reference } application scope } }";

fn asked(installation: &Installation, token: &str) -> Value {
    graphql(&installation.url, token, ASK, json!({}))["getAuthorisedUser"].clone()
}

fn check_refused(installation: &Installation, token: &str) {
    let refused = ask(&installation.url, "GET", "/v1/schema.graphql", token, "");
    assert_eq!((refused.status(), &refused.json()["code"]), (401, &json!("unauthenticated")));
}

#[test]
fn an_application_signs_its_users_tokens_and_the_secret_is_never_shown() {
    let mut installation = Installation::start();
    installation.run(&["application", "add", "acme"]).good();
    let profile = json!({
        "name": "login", "algorithms": ["HS256"], "issuer": "https://login.acme.example",
        "audience": "tidings", "maxScopes": ["read:accounts"], "sharedSecret": SECRET,
    });
    let file = installation.folder.path().join("login.json");
    std::fs::write(&file, profile.to_string()).unwrap();
    let update = ["application", "update", "acme", "--jwt-profiles", "@login.json"];
    let updated = installation.json(&update);
    assert_eq!(updated["jwtProfiles"][0]["name"], "login");
    assert!(!updated.to_string().contains(SECRET));
    let first = asked(&installation, SIGNED);
    assert_eq!(
        (&first["application"], &first["scope"]),
        (&json!("acme"), &json!(["read:accounts"]))
    );
    assert_eq!(first["user"]["tenantId"], "customer-7");
    installation.server.kill();
    installation.restart();
    assert_eq!(asked(&installation, SIGNED), first);
    installation.run(&["application", "update", "acme", "--clear", "jwt-profiles"]).good();
    check_refused(&installation, SIGNED);
}

#[test]
fn a_master_token_makes_a_user_with_a_token_that_ends_with_its_user() {
    let installation = Installation::start();
    installation.run(&["application", "add", "acme"]).good();
    let issue = ["token", "issue", "--application", "acme"];
    let issued = |more: &[&str]| {
        let token = installation.json(&[&issue[..], more].concat());
        token["token"].as_str().unwrap().to_owned()
    };
    let (own, master) = (issued(&[]), issued(&["--kind", "public-master"]));
    let add = "mutation { answer: addUserAndAccessToken(reference: \"seven\") {
        ... on AccessToken { token user { id } } ... on OperationFailure { description } } }";
    let added = graphql(&installation.url, &master, add, json!({}))["answer"].clone();
    let token = added["token"].as_str().unwrap_or_else(|| panic!("{added}"));
    let user = asked(&installation, token)["user"].clone();
    assert_eq!((&user["id"], &user["reference"]), (&added["user"]["id"], &json!("seven")));
    let delete = "mutation($id: ID!) { deleteUser(id: $id) { __typename } }";
    graphql(&installation.url, &own, delete, json!({ "id": user["id"] }));
    check_refused(&installation, token);
}

const UPDATE: &str = "mutation($name: String!, $input: UpdateApplicationInput!) {
    answer: updateApplication(name: $name, input: $input) { __typename
    ... on OperationFailure { problems { message } } } }";

/// Changes two applications, or one in two ways, at the same moment.
fn at_once(installation: &Installation, changes: [(&str, Value); 2]) -> Vec<Value> {
    std::thread::scope(|scope| {
        let change = |(name, input): (&str, Value)| {
            let variables = json!({ "name": name, "input": input });
            graphql(&installation.url, &installation.token, UPDATE, variables)["answer"].clone()
        };
        let running = changes.map(|one| scope.spawn(move || change(one)));
        running.map(|one| one.join().unwrap()).to_vec()
    })
}

#[test]
fn of_two_who_change_applications_at_the_same_moment_none_overlooks_the_other() {
    const ROUNDS: usize = 20;
    let installation = Installation::start();
    for name in ["acme", "beta"] {
        installation.run(&["application", "add", name]).good();
    }
    let profile = json!({
        "name": "login", "algorithms": ["HS256"], "issuer": "https://login.example",
        "audience": "tidings", "maxScopes": ["read:accounts"], "sharedSecret": SECRET,
    });
    for _ in 0..ROUNDS {
        let without = json!({ "jwtProfiles": [] });
        at_once(&installation, [("acme", without.clone()), ("beta", without)]);
        let with = json!({ "jwtProfiles": [profile] });
        let answers = at_once(&installation, [("acme", with.clone()), ("beta", with)]);
        let refused: Vec<_> = answers.iter().filter(|it| !it["problems"].is_null()).collect();
        assert_eq!(refused.len(), 1, "one has the issuer and audience: {answers:?}");
    }
    for round in 0..ROUNDS {
        let uri = format!("https://acme.example/{round}");
        let scopes = ["fire:triggers", "read:accounts"][round % 2];
        let changes = [json!({ "scopes": [scopes] }), json!({ "redirectUris": [uri] })];
        at_once(&installation, changes.map(|change| ("acme", change)));
        let shown = installation.json(&["application", "show", "acme"]);
        assert_eq!(shown["scopes"], json!([scopes]));
        assert_eq!(shown["redirectUris"], json!([uri]));
    }
}
